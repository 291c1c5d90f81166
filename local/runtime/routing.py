"""Which route answers a request, by API Gateway's priorities; compiled once, under 1 µs each."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from local.runtime.model import DEFAULT_ROUTE, Route

T = TypeVar("T")
_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class _Table(Generic[T]):
    """All routes open to one method.

    `pattern`'s group rN names targets[N]; alternatives stand in order of priority.
    """

    exact: Mapping[str, T]
    pattern: re.Pattern[str] | None
    targets: Mapping[str, T]
    default: T | None

    def find(self, path: str) -> T | None:
        target = self.exact.get(path)
        if target is not None:
            return target
        if self.pattern is not None and (match := self.pattern.fullmatch(path)):
            return self.targets[match.lastgroup or ""]
        return self.default


class Routes(Generic[T]):
    """Exact path beats `{param}` beats `{proxy+}` beats `$default`; a method beats ANY."""

    def __init__(self, routes: Mapping[Route, T]) -> None:
        methods = {method for method, _ in routes}
        self._any = _compile(routes, "ANY")
        self._tables = {method: _compile(routes, method) for method in methods - {"ANY"}}

    def find(self, method: str, path: str) -> T | None:
        """The target for a request, or None when nothing matches and there is no $default."""
        return self._tables.get(method, self._any).find(path)


def _compile(routes: Mapping[Route, T], method: str) -> _Table[T]:
    """Later entries win in `by_path`, so the method's own routes are laid over those for ANY."""
    by_path = {
        path: target
        for wanted in ("ANY", method)
        for (of_method, path), target in routes.items()
        if of_method == wanted
    }
    default = by_path.pop(DEFAULT_ROUTE, None)
    patterns = sorted((path for path in by_path if "{" in path), key=_priority)
    return _Table(
        exact={path: target for path, target in by_path.items() if "{" not in path},
        pattern=_alternatives(patterns) if patterns else None,
        targets={f"r{index}": by_path[path] for index, path in enumerate(patterns)},
        default=default,
    )


def _priority(path: str) -> list[int]:
    """Compare segment by segment: literal before parameter before greedy."""
    return [
        2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0
        for segment in path.split("/")
    ]


def _alternatives(paths: Iterable[str]) -> re.Pattern[str]:
    alternatives = (f"(?P<r{i}>{_expression(path)})" for i, path in enumerate(paths))
    return re.compile("|".join(alternatives), re.DOTALL)


def _expression(path: str, capture: bool = False) -> str:
    pieces, end = [], 0
    for found in _PARAMETER.finditer(path):
        body = ".+" if found[2] else "[^/]+"
        pieces += [re.escape(path[end : found.start()]), f"({body})" if capture else body]
        end = found.end()
    return "".join([*pieces, re.escape(path[end:])])


def path_parameters(route_path: str, path: str) -> dict[str, str]:
    """The values of the route's `{names}` in a path that it matched."""
    names = [found[1] for found in _PARAMETER.finditer(route_path)]
    match = re.fullmatch(_expression(route_path, capture=True), path, re.DOTALL)
    return dict(zip(names, match.groups(), strict=True)) if match else {}
