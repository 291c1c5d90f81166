"""Quantiles of what is only known in buckets, estimated as Prometheus does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Histogram:
    """Measurements in milliseconds: how many were at most each bound, and how many in all."""

    bounds_ms: tuple[int, ...]
    buckets: Sequence[int]
    count: int

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` of the measurements does not exceed; None without any.

        Interpolated within its bucket; beyond the last bound, that bound is all there is to say.
        """
        if not self.count:
            return None
        rank = q * self.count
        bounds = pairwise((0, *self.bounds_ms))
        counts = pairwise((0, *self.buckets))
        for (lower, upper), (before, until) in zip(bounds, counts, strict=True):
            if until >= rank and until > before:
                return round(lower + (upper - lower) * (rank - before) / (until - before), 1)
        return float(self.bounds_ms[-1])
