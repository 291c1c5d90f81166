"""Streams that are open in this process, counted: each holds a connection, and memory, for long."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from triggerfish.domain.errors import TooManyRequests

RETRY_AFTER_SECONDS = 1.0


class OpenStreams:
    """At most `total` at once, and at most `each` of one project."""

    def __init__(self, *, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._open = 0
        self._of: Counter[UUID] = Counter()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Count one stream while the block lasts. Raises TooManyRequests."""
        if self._open >= self._total:
            raise _too_many()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def hold_of(self, project_id: UUID) -> Iterator[None]:
        """Likewise count it as the project's, inside `hold`."""
        if self._of[project_id] >= self._each:
            raise _too_many()
        self._of[project_id] += 1
        try:
            yield
        finally:
            self._of[project_id] -= 1
            if not self._of[project_id]:
                del self._of[project_id]


def _too_many() -> TooManyRequests:
    return TooManyRequests("Too many streams are open; close one.", RETRY_AFTER_SECONDS)
