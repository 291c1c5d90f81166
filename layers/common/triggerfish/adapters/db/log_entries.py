"""What an import read: its log entries, and the reasons of its bad lines, by line number."""

from dataclasses import fields
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.searches import Searches
from triggerfish.adapters.db.values import no_more_than_a_page
from triggerfish.domain.job import FoundLines, Job, LineError, LineFilter
from triggerfish.domain.log_entry import LogRow

ERRORS = text("""
    SELECT line_no, reason FROM job_errors
     WHERE job_id = :job_id AND line_no > :after
     ORDER BY line_no
     LIMIT :limit
""")

# Where a scan ends that begins behind `:after`: so many lines, or so many bytes of messages (of one
# line at least). Lengths are read without the texts.
SCANNED_LINES = 20_000
SCANNED_BYTES = 4 << 20
SCAN_END = text(f"""
    SELECT max(line_no) AS scanned_to
      FROM (SELECT line_no, sum(octet_length(message)) OVER (
                   ORDER BY line_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
              FROM (SELECT line_no, message FROM log_entries
                     WHERE job_id = :job_id AND line_no > :after
                     ORDER BY line_no
                     LIMIT {SCANNED_LINES}) AS next_lines) AS sized
     WHERE coalesce(before, 0) < {SCANNED_BYTES}
""")

LATER = text("""
    SELECT line_no FROM log_entries WHERE job_id = :job_id AND line_no > :after
     ORDER BY line_no
     LIMIT 1
""")

COLUMNS = ", ".join(field.name for field in fields(LogRow))

CONDITIONS = {
    "level": "level = :level",
    "since": "timestamp >= :since",
    "until": "timestamp <= :until",
    "scanned_to": "line_no <= :scanned_to",
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

    def __init__(self, database: Database, searches: Searches) -> None:
        self._database = database
        self._searches = searches

    async def page(self, job: Job, filter: LineFilter, *, after: int, limit: int) -> FoundLines:
        """Entries behind line `after`; filtered ones as far as a bounded scan comes."""
        if filter.is_open:
            return FoundLines(await _page(self._database, job, filter, None, after, limit))
        async with self._searches.place(job.project_id) as database:
            [end] = await database.run(SCAN_END, job_id=job.id, after=after)
            if end.scanned_to is None:
                return FoundLines([])
            rows = await _page(database, job, filter, end.scanned_to, after, limit)
            is_last = await _is_last(database, job, end.scanned_to)
        return FoundLines(rows, None if is_last else end.scanned_to)

    async def errors(self, job_id: UUID, *, after: int, limit: int) -> list[LineError]:
        """Bad lines behind line `after`; the first 1,000 of a job are kept."""
        rows = await self._database.run(ERRORS, job_id=job_id, after=after, limit=limit)
        return [LineError(row.line_no, row.reason) for row in rows]


async def _page(
    database: Database,
    job: Job,
    filter: LineFilter,
    scanned_to: int | None,
    after: int,
    limit: int,
) -> list[LogRow]:
    given: dict[str, Any] = {
        "level": filter.level,
        "since": filter.since,
        "until": filter.until,
        "text": filter.text,
        "scanned_to": scanned_to,
    }
    values = {name: value for name, value in given.items() if value is not None}
    statement = _list(frozenset(values))
    rows = await database.run(statement, job_id=job.id, after=after, limit=limit, **values)
    return [LogRow(**row._mapping) for row in rows]


async def _is_last(database: Database, job: Job, line: int) -> bool:
    return not await database.run(LATER, job_id=job.id, after=line)
