"""What a page of a large archive costs, by Postgres' own account: rows read, not time taken."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.databases import Databases
from tests.integration.database.plans import Explaining, Plan
from tests.integration.lanes import dsn
from triggerfish.adapters.db.event_logs import EventLogs
from triggerfish.domain.event_log import EventLogFilter, Selection
from triggerfish.domain.page import Place

ROWS = 200_000
HOURS = 8
LIMIT = 51
PROJECTS = [UUID(int=n) for n in range(1, 6)]
TRIGGERS = [UUID(int=n) for n in range(101, 151)]  # of every project its own ten
START = datetime(2026, 3, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=HOURS)

# One trigger in fifty; one failure and one test in a thousand.
FILL = """
    INSERT INTO event_logs_archive
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, attempts, completed_at)
    SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid),
           CAST(lpad(to_hex(1 + n %% 5), 32, '0') AS uuid),
           CAST(lpad(to_hex(101 + n %% 50), 32, '0') AS uuid),
           CAST(lpad('1', 32, '0') AS uuid), 'api', 'api', n %% 1000 = 12, at, at, '{"id": 1}', 'e',
           CASE WHEN n %% 1000 = 7 THEN 'failure' ELSE 'success' END, 1, '[]', at
      FROM (SELECT n, %(start)s + n * (%(span)s / %(rows)s) AS at
              FROM generate_series(0, %(rows)s - 1) AS n) AS numbered
"""


@pytest.fixture(scope="module", params=["fresh", "analysed"])
def archive(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database with many archived events, with and without the planner's statistics of them."""
    with databases.lent() as url:
        fill(url)
        if request.param == "analysed":
            with psycopg.connect(dsn(url), autocommit=True) as filled:
                filled.execute("ANALYZE event_logs_archive")
        yield url


def fill(url: str, rows: int = ROWS, hours: int = HOURS) -> None:
    with psycopg.connect(dsn(url)) as connection:
        for n in range(hours):
            hour, end = START + timedelta(hours=n), START + timedelta(hours=n + 1)
            connection.execute(
                f"CREATE TABLE event_logs_archive_{hour:%Y%m%d%H} PARTITION OF event_logs_archive"
                f" FOR VALUES FROM ('{hour.isoformat()}') TO ('{end.isoformat()}')"
                " WITH (autovacuum_enabled = off)".encode()
            )
        span = timedelta(hours=hours)
        connection.execute(FILL.encode(), {"start": START, "span": span, "rows": rows})


async def plan_of(url: str, filter: EventLogFilter, before: Place | None = None) -> Plan:
    database = Explaining(url)
    await EventLogs(database).page(PROJECTS[2], Selection(filter, START, END, LIMIT, before))
    await database.close()
    assert database.plan is not None
    return database.plan


FILTERS = {
    "none": EventLogFilter(),
    "trigger": EventLogFilter(trigger_id=TRIGGERS[7]),
    "rare status": EventLogFilter(status="failure"),
    "common status": EventLogFilter(status="success"),
    "absent status": EventLogFilter(status="pending"),
    "trigger and rare status": EventLogFilter(trigger_id=TRIGGERS[7], status="failure"),
    "trigger and absent status": EventLogFilter(trigger_id=TRIGGERS[2], status="failure"),
    "source": EventLogFilter(source="api"),
    "tests": EventLogFilter(is_test=True),
    "no tests": EventLogFilter(is_test=False),
    "absent source": EventLogFilter(source="replay"),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filtered_page_is_read_from_an_index_and_no_further_than_needed(
    archive: str, name: str
) -> None:
    first = await plan_of(archive, FILTERS[name])
    middle = START + timedelta(hours=HOURS / 2)
    deep = await plan_of(archive, FILTERS[name], (middle, UUID(int=0)))
    for plan in (first, deep):
        assert not {n for n in plan.nodes if re.match(r"Seq|Bitmap|Hash|Materialize", n)}
        assert plan.rows_read <= 2 * LIMIT, plan
        assert plan.rows_read >= LIMIT or "absent" in name
        assert plan.most_sorted <= 2 * LIMIT, plan
