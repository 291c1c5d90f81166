"""What an endpoint's part of a large backlog costs while the planner's statistics are of before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Row, TextClause

from tests.integration.database.plans import Explaining
from tests.integration.lanes import dsn
from triggerfish.adapters.db.catch_up_turns import LAST_TURNS
from triggerfish.adapters.db.deliveries import Deliveries
from triggerfish.adapters.db.overdue_events import WAITING_BY_ENDPOINT, OverdueEvents
from triggerfish.domain.delivery import Claim
from triggerfish.domain.message import EPOCH

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS, ENDPOINTS = 20_000, 50
FEW = 20

# Made up an hour late, with turns from an hour ago until in an hour.
FILL = """
    INSERT INTO event_logs_active
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, attempts, next_attempt_at,
            enqueued_at)
    SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'scheduled',
           'scheduled', false, %(now)s - interval '2 h', %(now)s - interval '1 h', '{}',
           'e' || n %% %(endpoints)s, 'pending', 0, '[]',
           %(now)s + (n - %(rows)s / 2) * (interval '2 h' / %(rows)s),
           CASE WHEN n %% 1000 > 0 THEN %(now)s - interval '1 h' END
      FROM generate_series(1, %(rows)s) AS n
"""


DONE = """
    UPDATE event_logs_active SET status = 'success', completed_at = %(now)s, next_attempt_at = NULL
"""


@pytest.fixture(params=["none", "of an idle platform"])
def backlog(request: pytest.FixtureRequest, database_url: str) -> "Adding":
    with psycopg.connect(dsn(database_url), autocommit=True) as connection:
        if request.param != "none":
            connection.execute(FILL.encode(), {"now": NOW, "rows": 2000, "endpoints": ENDPOINTS})
            connection.execute(DONE.encode(), {"now": NOW})
            connection.execute("ANALYZE event_logs_active")
        connection.execute(FILL.encode(), {"now": NOW, "rows": ROWS, "endpoints": ENDPOINTS})
    return Adding(database_url)


class Adding(Explaining):
    """Adds up what all its statements read."""

    rows_read = 0.0

    async def run(self, statement: TextClause, /, **values: Any) -> list[Row[Any]]:
        rows = await super().run(statement, **values)
        assert self.plan is not None
        self.rows_read += self.plan.rows_read
        return rows


def asked(*endpoint_keys: str) -> list[Claim]:
    return [Claim(key, 2, EPOCH) for key in endpoint_keys]


async def test_the_next_events_of_endpoints_are_claimed_without_the_others(
    backlog: Adding,
) -> None:
    await deliveries(backlog).claim(asked("e7", "e8", "nobodys"), now=NOW)
    assert 0 < backlog.rows_read <= FEW


async def test_outcomes_are_written_and_events_claimed_without_the_others(backlog: Adding) -> None:
    await deliveries(backlog).settle([], asked("e7", "e8", "nobodys"), now=NOW)
    assert 0 < backlog.rows_read <= FEW


async def test_the_sweep_finds_unsent_events_without_the_others(backlog: Adding) -> None:
    await OverdueEvents(backlog).unsent(until=NOW, limit=5)
    assert 0 < backlog.rows_read <= FEW


async def test_the_sweep_finds_every_endpoint_of_a_backlog_without_reading_it(
    backlog: Adding,
) -> None:
    await backlog.run(WAITING_BY_ENDPOINT, after="e4", due_by=NOW, limit=ENDPOINTS)
    assert 0 < backlog.rows_read <= 10 * ENDPOINTS


def deliveries(backlog: Adding) -> Deliveries:
    return Deliveries(backlog, disable_after=timedelta(days=1), worker="")


async def test_the_last_turn_of_an_endpoint_is_found_without_the_others(
    backlog: Adding,
) -> None:
    await backlog.run(LAST_TURNS, receivers=["e7", "e8", "nobodys"], still_counts=NOW)
    assert 0 < backlog.rows_read <= FEW


async def test_only_its_key_is_read_of_an_endpoint_whose_turns_are_over(backlog: Adding) -> None:
    later = NOW + timedelta(hours=2)
    await backlog.run(LAST_TURNS, receivers=["e7"], still_counts=later)
    assert backlog.rows_read <= 1
