"""SIGKILL between any two steps of retention: every event is in one place, where its age wants it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import pytest
from psycopg.sql import SQL, Composed, Identifier, Literal

from tests.e2e.conftest import Record
from tests.e2e.consistency import check_consistency, connect
from tests.e2e.crash_points import CrashingPlatform, crashing_platform
from tests.e2e.receiver import Endpoint
from tests.e2e.reliability import Row
from tests.e2e.waiting import until

# In the order of a run: each is hit by the run that goes on where the last one was killed.
POINTS = [
    "retention.after_drop",
    "retention.after_delete",
    "retention.before_move",
    "retention.during_move",
    "retention.between_moves",
    "retention.after_move",
]
KEPT = {("active", "active"): 100, ("to move", "archive"): 11_000, ("archived", "archive"): 100}
"""In the end: how many events of each kind lie where. A run moves 5,000 in a batch."""
EXPIRED = 500
RECOVERY_SECONDS = 90
FAULT = "`kill -9` at six steps of one retention run"

# Copies of one event, changed into one that waits for an attempt far away: none is delivered.
COPY: LiteralString = """
    INSERT INTO {table}
    SELECT (jsonb_populate_record(e, jsonb_build_object(
               'id', gen_random_uuid(), 'payload', to_json(%(kind)s::text)::text,
               'fired_at', %(fired_at)s::timestamptz - n * interval '0.5 s',
               'next_attempt_at', now() + interval '1 day', 'enqueued_at', NULL,
               'status', 'pending', 'attempt', 0, 'attempts', '[]'::jsonb, 'completed_at', NULL,
               'last_status_code', NULL, 'last_error', NULL))).*
      FROM event_logs_active e, generate_series(1, %(count)s) n WHERE e.id = %(id)s::uuid
"""
PARTITION: LiteralString = """
    CREATE TABLE {name} PARTITION OF event_logs_archive FOR VALUES FROM ({start}) TO ({end})
"""
PLACES = """
    SELECT payload::json #>> '{}', place, count(*), count(DISTINCT id)
      FROM (SELECT payload, id, 'active' AS place FROM event_logs_active
             UNION ALL
            SELECT payload, id, 'archive' FROM event_logs_archive) AS events
     WHERE payload <> '{}'
     GROUP BY 1, 2
"""


@pytest.fixture
def keeping() -> Iterator[CrashingPlatform]:
    with crashing_platform(settings={"RETENTION_SECONDS": "1"}) as one:
        yield one


@pytest.mark.fault(FAULT)
def test_a_run_of_retention_killed_at_every_step_leaves_every_event_in_its_one_place(
    keeping: CrashingPlatform, endpoint: Endpoint, record: Record
) -> None:
    trigger = keeping.create(type="api", name="kept", schema={}, endpoint={"url": endpoint.url()})
    keeping.request("POST", trigger["webhook_url"], {})
    log = until(lambda: keeping.log_of(trigger["id"], "success"), 30, what="an event to copy")
    for point in POINTS:
        keeping.arm(point)
    seed(keeping, log["id"])
    for point in POINTS:
        last = keeping.wait_for_crash(point)
    until(lambda: has_run(keeping, last), RECOVERY_SECONDS, what="a whole run", every=0.1)
    found = settled(keeping)
    assert found, "a whole run left something behind"
    back = time.time() - last
    counts = {place: count for place, (count, _) in found.items()}
    distinct = {place: count for place, (_, count) in found.items()}
    row = Row(
        FAULT,
        injected=len(POINTS),
        at_risk=sum(KEPT.values()),
        lost=sum(KEPT.values()) - sum(distinct.values()),
        duplicates=sum(counts.values()) - sum(distinct.values()),
        repeats=len(endpoint.deliveries()) - 1,
        recovery_seconds=back,
    )
    assert (row.lost, row.duplicates, row.repeats) == (0, 0, 0)
    check_consistency(keeping.database_url)
    record(row)


def seed(keeping: CrashingPlatform, event_id: str) -> None:
    """Events of all ages, all at once: in the archive too, and some that a stopped platform kept."""
    now = datetime.now(UTC)
    long_ago, lately = half_past(now - timedelta(hours=51)), half_past(now - timedelta(hours=10))
    rows = [
        ("active", "event_logs_active", now - timedelta(minutes=10), 100),
        ("to move", "event_logs_active", now - timedelta(hours=3), 11_000),
        ("archived", "event_logs_archive", lately, 100),
        ("expired", "event_logs_archive", long_ago, EXPIRED),
        ("expired", "event_logs_active", now - timedelta(hours=49), EXPIRED),
    ]
    with connect(keeping.database_url) as connection, connection.transaction():
        for hour in (long_ago, lately):
            connection.execute(partition(hour.replace(minute=0)))
        for kind, table, fired_at, count in rows:
            values = {"kind": kind, "fired_at": fired_at, "count": count, "id": event_id}
            connection.execute(SQL(COPY).format(table=Identifier(table)), values)


def partition(hour: datetime) -> Composed:
    return SQL(PARTITION).format(
        name=Identifier(f"event_logs_archive_{hour:%Y%m%d%H}"),
        start=Literal(hour),
        end=Literal(hour + timedelta(hours=1)),
    )


def half_past(time: datetime) -> datetime:
    return time.replace(minute=30, second=0, microsecond=0)


def has_run(keeping: CrashingPlatform, since: float) -> bool:
    """Whether a run has come to its end after that; until then each event is in one place."""
    settled(keeping)
    with connect(keeping.database_url) as connection:
        rows = connection.execute(
            "SELECT last_run_at > to_timestamp(%s) FROM heartbeats WHERE name = 'retention'",
            (since,),
        ).fetchall()
    return rows == [(True,)]


Places = dict[tuple[str, str], tuple[int, int]]


def settled(keeping: CrashingPlatform) -> Places | None:
    """Where the events are, once that is where they belong; at any time each is in one place."""
    with connect(keeping.database_url) as connection:
        rows = connection.execute(PLACES).fetchall()
    places = {(kind, place): (count, distinct) for kind, place, count, distinct in rows}
    for kind, _ in KEPT:
        here = [counts for (other, _), counts in places.items() if other == kind]
        wanted = sum(count for (other, _), count in KEPT.items() if other == kind)
        assert sum(count for count, _ in here) == wanted, kind
        assert sum(distinct for _, distinct in here) == wanted, kind
    return places if places.keys() == KEPT.keys() else None
