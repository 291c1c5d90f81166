"""The one check at the end of every test that runs the engine: no rule of the platform is broken."""

from datetime import UTC, datetime, timedelta

import psycopg

from triggerfish.adapters.db.invariants import Reading, check_invariants
from triggerfish.domain.retention import RetentionPolicy

RETENTION = RetentionPolicy(timedelta(hours=2), timedelta(hours=46))

LAST_RETENTION = """
    SELECT last_run_at - duration_ms * interval '1 ms' FROM heartbeats WHERE name = 'retention'
"""


def assert_invariants(
    database_url: str,
    *,
    now: datetime | None = None,
    retention: RetentionPolicy = RETENTION,
    retained_at: datetime | None = None,
) -> None:
    """Fail with every rule that is broken, and with examples; `now` is real time unless given."""
    reading = Reading(now or datetime.now(UTC), retention, retained_at=retained_at)
    broken = {
        f"{verdict.rule.invariant}: {verdict.rule.says}": verdict.examples
        for verdict in check_invariants(database_url, reading)
        if verdict.broken
    }
    if broken:
        raise AssertionError(broken)  # an assert of a module like this would not show them


def last_retention(database_url: str) -> datetime | None:
    """When retention last began a run that it ended; what was to go by then is gone."""
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        row = connection.execute(LAST_RETENTION).fetchone()
    return row[0] if row else None
