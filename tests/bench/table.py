"""The table of a run: each figure beside its goal and beside the earlier version's."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.bench.bench import Figures
from tests.bench.targets import TARGETS


def table(measured: Mapping[str, Mapping[str, Figures]], versions: Sequence[str]) -> Table:
    """A row for each figure; the first version is ours. A goal that is missed has a mark."""
    ours, *others = versions
    shown = Table("section", "figure", ours, *(f"{name}, ratio" for name in others), "goal")
    for section, by_version in measured.items():
        for figure, value in by_version[ours].items():
            before = [by_version.get(name, {}).get(figure) for name in others]
            shown.add_row(
                section,
                figure,
                f"{value:,.2f}",
                *(_beside(value, one) for one in before),
                _goal(section, figure, value),
            )
        shown.add_section()
    return shown


def _beside(value: float, before: float | None) -> str:
    """The earlier figure, and ours as a multiple of it."""
    if before is None:
        return "-"
    return f"{before:,.2f}  x{value / before:.2f}" if before else f"{before:,.2f}"


def _goal(section: str, figure: str, value: float) -> str:
    target = TARGETS.get((section, figure))
    if target is None:
        return ""
    return f"{target}" if target.met_by(value) else f"{target}  ✗"
