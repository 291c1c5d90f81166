"""What an import read: its log entries, and the reasons of its bad lines, by line number."""

from dataclasses import fields
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.values import no_more_than_a_page
from triggerfish.domain.job import LineError, LineFilter
from triggerfish.domain.log_entry import LogRow

ERRORS = text("""
    SELECT line_no, reason FROM job_errors
     WHERE job_id = :job_id AND line_no > :after
     ORDER BY line_no
     LIMIT :limit
""")

COLUMNS = ", ".join(field.name for field in fields(LogRow))

CONDITIONS = {
    "level": "level = :level",
    "since": "timestamp >= :since",
    "until": "timestamp <= :until",
    "text": "strpos(lower(message), lower(:text)) > 0",
}


@lru_cache
def _list(given: frozenset[str]) -> TextClause:
    """The query for just the conditions given, so that one plan fits all its uses."""
    conditions = " AND ".join(
        ["job_id = :job_id", "line_no > :after"]
        + [condition for name, condition in CONDITIONS.items() if name in given]
    )
    first = f"SELECT {COLUMNS} FROM log_entries WHERE {conditions} ORDER BY line_no LIMIT :limit"
    size = "octet_length(message) + octet_length(attributes)"
    return text(no_more_than_a_page(first, columns=COLUMNS, size=size, order="ORDER BY line_no"))


class LogEntries:
    """Reads of `log_entries` and `job_errors`, in the order of the file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, job_id: UUID, filter: LineFilter, *, after: int, limit: int
    ) -> list[LogRow]:
        """Entries behind line `after`."""
        given: dict[str, Any] = {
            "level": filter.level,
            "since": filter.since,
            "until": filter.until,
            "text": filter.text,
        }
        values = {name: value for name, value in given.items() if value is not None}
        rows = await self._database.run(
            _list(frozenset(values)), job_id=job_id, after=after, limit=limit, **values
        )
        return [LogRow(**row._mapping) for row in rows]

    async def errors(self, job_id: UUID, *, after: int, limit: int) -> list[LineError]:
        """Bad lines behind line `after`; the first 1,000 of a job are kept."""
        rows = await self._database.run(ERRORS, job_id=job_id, after=after, limit=limit)
        return [LineError(row.line_no, row.reason) for row in rows]
