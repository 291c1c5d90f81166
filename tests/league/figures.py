"""The arithmetic of the league: what arrivals say about what was due."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

Figures = dict[str, float]
Arrivals = Mapping[str, Sequence[float]]


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 100) // 100)
    return ordered[max(rank, 1) - 1]


def outcome(due: Mapping[str, float], arrivals: Arrivals) -> Figures:
    """How many jobs never arrived, arrived more than once, or arrived before they were due."""
    came = {job: arrivals[job] for job in due if arrivals.get(job)}
    return {
        "lost": float(len(due) - len(came)),
        "doubled": float(sum(len(times) > 1 for times in came.values())),
        "early": float(sum(min(times) < due[job] for job, times in came.items())),
    }


def lateness(due: Mapping[str, float], arrivals: Arrivals, unit: float = 1.0) -> Figures:
    """First arrival less the time it was due, of all that arrived; nothing if none did."""
    late = [(min(arrivals[job]) - at) * unit for job, at in due.items() if arrivals.get(job)]
    if not late:
        return {}
    return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "last": max(late)}


def last_first_arrival(due: Mapping[str, float], arrivals: Arrivals) -> float:
    """When the last of the jobs that arrived did so for the first time."""
    return max((min(arrivals[job]) for job in due if arrivals.get(job)), default=0.0)


def spread(values: Sequence[float], digits: int) -> str:
    """The median, with the lowest and the highest where rounds differ."""
    shown = f"{statistics.median(values):,.{digits}f}"
    low, high = (f"{one:,.{digits}f}" for one in (min(values), max(values)))
    return shown if low == high else f"{shown} ({low}–{high})"  # noqa: RUF001
