"""Pages of lists, newest first: limits, and cursors that name the last item seen (keyset)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, takewhile
from typing import Any, Generic, TypeVar
from uuid import UUID

from triggerfish.domain.errors import FieldError, InvalidInput

T = TypeVar("T")
Place = tuple[datetime, UUID]
"""Where an item stands in a list: its time and its id."""

MAX_CURSOR_CHARACTERS = 500
DEFAULT_LIMIT = 50
MAX_LIMIT = 250
MAX_LINES = 1 << 62
PAGE_BYTES = 4 << 20
"""Of what customers wrote: a page ends with the item that exceeds it, however high its limit.

A Lambda's answer may have 6 MB, and a gateway process answers many at once.
"""


def weightless(item: object) -> int:
    """The size of what is small whatever customers write."""
    return 0


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next page or None at the end."""

    items: list[T]
    next_cursor: str | None


def cut(
    items: Sequence[tuple[datetime, UUID, T]], limit: int, size: Callable[[T], int] = weightless
) -> Page[T]:
    """A page from up to limit + 1 items with their keys; the extra one tells that more follow.

    It ends early with the item by which `size`, in bytes, comes to PAGE_BYTES in all.
    """
    shown = items[: _room([size(item) for _, _, item in items], limit)]
    more = len(items) > len(shown)
    return Page(
        [item for _, _, item in shown],
        encode_cursor(shown[-1][0], shown[-1][1]) if more else None,
    )


def cut_lines(
    items: Sequence[tuple[int, T]], limit: int, size: Callable[[T], int] = weightless
) -> Page[T]:
    """As `cut`, of lines in the order of their numbers."""
    shown = items[: _room([size(item) for _, item in items], limit)]
    more = len(items) > len(shown)
    return Page([item for _, item in shown], encode_line(shown[-1][0]) if more else None)


def _room(sizes: Sequence[int], limit: int) -> int:
    """How many items a page takes, of which there are some with these sizes."""
    before = accumulate(sizes, initial=0)
    return min(limit, sum(1 for _ in takewhile(lambda bytes: bytes < PAGE_BYTES, before)))


def encode_cursor(at: datetime, id: UUID) -> str:
    return _encode([at.isoformat(), str(id)])


def encode_line(number: int) -> str:
    return _encode([number])


def decode_cursor(cursor: str | None) -> Place | None:
    """Read a cursor. Raises InvalidInput (field `cursor`) for anything we did not make."""
    if cursor is None:
        return None
    with _ours():
        at, id = _decode(cursor)
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("no time zone")
        return instant, UUID(id)


def decode_line(cursor: str | None) -> int:
    """The number of the last line seen, 0 at the start. Raises InvalidInput as `decode_cursor`."""
    if cursor is None:
        return 0
    with _ours():
        (number,) = _decode(cursor)
        if type(number) is not int or not 0 <= number < MAX_LINES:
            raise ValueError("no line number")
        return number


def _encode(key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(cursor: str) -> Any:
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise ValueError("longer than any of ours")
    return json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        message = "is not a cursor of this list; take next_cursor from the previous page"
        raise InvalidInput("The cursor is not valid.", (FieldError("cursor", message),)) from error
