"""Examples in the documents: shell commands with the answers that are shown below them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

CONSOLE = re.compile(r"^( *)```console\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
STATUS_LINE = re.compile(r"HTTP/1\.1 (\d{3})")
STATUS_COMMENT = re.compile(r"\s# (\d{3})\b")


@dataclass(frozen=True)
class Example:
    """One command, what is shown as its answer (nothing for a setting), and where it stands."""

    page: str
    line: int
    command: str
    shown: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_curl(self) -> bool:
        return bool(re.match(r"(\w+=\$\()?curl\b", self.command))

    @property
    def sets(self) -> str | None:
        """The variable or function that the command sets, if that is what it does."""
        setting = re.match(r"(\w+)(=|\(\))", self.command)
        return setting[1] if setting else None

    @property
    def only_reads(self) -> bool:
        """Whether it may be asked again: a GET."""
        return not re.search(r"\s(-X|-d)\b", self.command)

    @property
    def status(self) -> int:
        """The documented one: of the status line shown, or a comment as `# 201`; else 200."""
        said = STATUS_LINE.match(self.shown) or STATUS_COMMENT.search(self.command)
        return int(said[1]) if said else 200


def examples(page: str, text: str) -> Iterator[Example]:
    """All commands in the console blocks of a page, in order."""
    for block in CONSOLE.finditer(text):
        first = text.count("\n", 0, block.start()) + 2
        lines = [line.removeprefix(block[1]) for line in block[2].splitlines()]
        yield from _of_block(page, first, lines)


def to_run(page: str, text: str) -> list[Example]:
    """The curls of a page, and what sets the variables and functions that they use."""
    found = list(examples(page, text))
    wanted = {one for one in found if one.is_curl}
    while used := {one for one in found if one not in wanted and _is_used(one, wanted)}:
        wanted |= used
    return [one for one in found if one in wanted]


def _is_used(setting: Example, wanted: set[Example]) -> bool:
    name = setting.sets
    return name is not None and any(re.search(rf"\b{name}\b", one.command) for one in wanted)


def curls_anywhere(text: str) -> int:
    """How many lines begin a curl, in whatever block or prose."""
    return len(re.findall(r"^\s*(?:\$ )?(?:\w+=\$\()?curl\b", text, re.MULTILINE))


def _of_block(page: str, first: int, lines: list[str]) -> Iterator[Example]:
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        length = next(n for n in range(1, end - start + 1) if _complete(lines[start : start + n]))
        command = "\n".join(lines[start : start + length])[2:]
        shown = "\n".join(lines[start + length : end]).strip()
        yield Example(page, first + start, command, shown)


def _complete(lines: list[str]) -> bool:
    """Whether the shell takes these lines as a whole command."""
    try:
        shlex.split("\n".join(lines)[2:], comments=True)
    except ValueError:
        return False
    return not lines[-1].endswith("\\")
