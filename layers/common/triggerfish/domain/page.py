"""Pages of lists, newest first: limits, and cursors that name the last item seen (keyset)."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from triggerfish.domain.errors import FieldError, InvalidInput

T = TypeVar("T")

MAX_CURSOR_CHARACTERS = 500
DEFAULT_LIMIT = 50
MAX_LIMIT = 250


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next page or None at the end."""

    items: list[T]
    next_cursor: str | None


def cut(items: Sequence[tuple[datetime, UUID, T]], limit: int) -> Page[T]:
    """A page from up to limit + 1 items with their keys; the extra one tells that more follow."""
    shown = items[:limit]
    more = len(items) > limit
    return Page(
        [item for _, _, item in shown],
        encode_cursor(shown[-1][0], shown[-1][1]) if more else None,
    )


def encode_cursor(at: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(id)]).encode()).decode()


def decode_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read a cursor. Raises InvalidInput (field `cursor`) for anything we did not make."""
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS:
            raise ValueError("longer than any of ours")
        at, id = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("no time zone")
        return instant, UUID(id)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        message = "is not a cursor of this list; take next_cursor from the previous page"
        raise InvalidInput("The cursor is not valid.", (FieldError("cursor", message),)) from error
