"""The path that a wrong one was meant to be: a slash too many, a letter wrong, no version."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

MAX_CHARACTERS = 300
_PREFIX = ("api", "v1")
_ID = re.compile(r"[0-9A-Za-z-]{1,36}", re.ASCII)
_LIKENESS = 0.7


@dataclass
class _Node:
    """One segment of the known paths, and what may follow it."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "tuple[str, _Node] | None" = None
    is_path: bool = False


class NearPaths:
    """Finds known paths (`/a/{id}`) that are like a given one, in time linear in its length."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _Node()
        for path in paths:
            self._add(path)

    def find(self, path: str) -> str | None:
        """The known path, with the ids of the given one in it; None when none is near."""
        segments = [segment for segment in path[: MAX_CHARACTERS + 1].split("/") if segment]
        if not segments or len(path) > MAX_CHARACTERS:
            return None
        rest = [*segments]
        while rest and (rest[0].lower() == "api" or re.fullmatch(r"v\d+", rest[0].lower())):
            rest.pop(0)
        found = _walk(self._root, segments) or _walk(self._root, [*_PREFIX, *rest])
        return "/" + "/".join(found) if found else None

    def _add(self, path: str) -> None:
        node = self._root
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or (segment, _Node())
                node = node.parameter[1]
            else:
                node = node.literals.setdefault(segment, _Node())
        node.is_path = True


def _walk(node: _Node, segments: list[str]) -> list[str] | None:
    found: list[str] = []
    for segment in segments:
        near = get_close_matches(segment.lower(), node.literals, 1, _LIKENESS)
        if near:
            found.append(near[0])
            node = node.literals[near[0]]
        elif node.parameter:
            name, node = node.parameter
            found.append(segment if _ID.fullmatch(segment) else name)
        else:
            return None
    return found if node.is_path else None
