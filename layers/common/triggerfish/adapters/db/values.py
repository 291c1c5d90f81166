"""What statements bind: many values as one parameter, and the place of a page.

A JSON text or an array literal costs a fraction of a list: psycopg adapts a list element by element
in Python, about 14 µs a row of five values; one JSON text, unfolded by Postgres with
`json_to_recordset`, costs about 0.5 µs (measured).
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson

from triggerfish.domain.page import PAGE_BYTES, Place


def to_json(rows: list[dict[str, Any]]) -> str:
    """Rows for `json_to_recordset`: UUIDs, aware datetimes, strings, numbers, nested values.

    UTC is written as `Z`, as the API writes it: what is nested is stored and shown as it is.
    """
    return orjson.dumps(rows, option=orjson.OPT_UTC_Z).decode()


def uuid_array(ids: Iterable[UUID]) -> str:
    """The literal of a `uuid[]`."""
    return "{" + ",".join(map(str, ids)) + "}"


def no_more_than_a_page(rows: str, *, columns: str, size: str, order: str) -> str:
    """The query `rows` up to the row by which `size`, in bytes, comes to PAGE_BYTES in all, and one
    row more, which tells that others follow (`domain/page.py` cuts it off).

    `octet_length` reads the length of a stored text without reading the text.
    """
    return f"""
        SELECT {columns}
          FROM (SELECT page.*, sum({size}) OVER (
                       {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) AS bytes_before
                  FROM ({rows}) AS page) AS sized
         WHERE coalesce(bytes_before, 0) < {PAGE_BYTES}
         {order}
    """


def keyset(before: Place | None, limit: int) -> dict[str, Any]:
    """The cut of a LIST: `:limit` rows, and those before `:before_at`, `:before_id` where given."""
    before_at, before_id = before or (None, None)
    return {"before_at": before_at, "before_id": before_id, "limit": limit}
