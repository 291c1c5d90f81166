"""Every rule is broken once by hand, and named; a sound database breaks none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url

from local.services.postgres import Postgres
from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.receiver import Receiver
from triggerfish.adapters.db.invariant_rules import QUEUE, RULES
from triggerfish.adapters.db.invariants import QueueReading, Reading, check_invariants
from triggerfish.domain.access import Principal
from triggerfish.domain.idempotency import keyed_request
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.replay_events import replay_event
from triggerfish.wiring import Wiring

pytestmark = pytest.mark.breaks_invariants

FIRST_SCHEDULED = (
    "id = (SELECT min(id::text)::uuid FROM event_logs_active WHERE source = 'scheduled')"
)
COPY = "INSERT INTO event_logs_archive SELECT * FROM event_logs_active"

# The rule → what breaks it. The guards of the schema itself are taken off first.
BREAKAGES: dict[str, str] = {
    "an occurrence is logged once": """
        INSERT INTO event_logs_active SELECT (r).* FROM (
            SELECT e #= hstore('id', gen_random_uuid()::text) AS r FROM event_logs_active e
             WHERE source = 'scheduled' LIMIT 1) one
    """,
    "an active schedule has its next fire, and only what fires has one": """
        UPDATE triggers SET next_fire_at = NULL WHERE type = 'scheduled'
    """,
    "no due occurrence is left behind by the tick": """
        UPDATE triggers SET next_occurrence_at = next_occurrence_at - interval '1 hour',
                            next_fire_at = next_fire_at - interval '1 hour'
         WHERE type = 'scheduled'
    """,
    "every fire that a trigger counts is in the log": f"""
        DELETE FROM event_logs_active WHERE {FIRST_SCHEDULED}
    """,
    "a scheduled event is an occurrence of its schedule": f"""
        UPDATE event_logs_active SET scheduled_for = scheduled_for + interval '1 second'
         WHERE {FIRST_SCHEDULED}
    """,
    "a trigger fires its max_fires at most": """
        UPDATE trigger_revisions SET schedule = schedule || '{"max_fires": 1}'
         WHERE type = 'scheduled'
    """,
    "an event is of the revision that it names": """
        UPDATE event_logs_active SET payload = '{"other": 1}' WHERE source = 'scheduled'
    """,
    "tests are marked, and nothing else": """
        UPDATE event_logs_active SET is_test = true WHERE source = 'api'
    """,
    "a replay is its original again": """
        UPDATE event_logs_active SET payload = '{"id": 9}' WHERE source = 'replay'
    """,
    "an idempotency key leads to its event, with the same body": """
        UPDATE event_logs_active SET payload = '{"id": 9}' WHERE source = 'api'
    """,
    "nothing fires after its trigger was deleted or paused": """
        UPDATE triggers SET status = 'paused', updated_at = updated_at - interval '1 day'
    """,
    "what was withdrawn before it was due is not in the log": """
        INSERT INTO withdrawn_events SELECT id, fired_at FROM event_logs_active
    """,
    "an event is final, leased, held, or waits for a time": """
        UPDATE event_logs_active SET completed_at = NULL WHERE status = 'success'
    """,
    "a lease ends soon after its attempt must have": """
        UPDATE event_logs_active SET status = 'delivering', completed_at = NULL,
               lease_until = fired_at + interval '1 day', next_attempt_at = fired_at
    """,
    "attempts are numbered 1, 2, 3 without a gap": """
        UPDATE event_logs_active SET attempts = jsonb_set(attempts, '{0, number}', '2')
         WHERE status = 'success'
    """,
    "attempts are no more than the retry policy has": """
        UPDATE event_logs_active SET attempt = 6 WHERE status = 'success'
    """,
    "the last attempt says what became of the event": """
        UPDATE event_logs_active SET attempts = jsonb_set(attempts, '{0, status_code}', '500')
         WHERE status = 'success'
    """,
    "an event is in one place": COPY,
    "nothing is archived before its time": COPY,
    "retention leaves nothing active that is to be archived": """
        UPDATE event_logs_active SET fired_at = fired_at - interval '1 day'
    """,
    "retention leaves nothing that has expired": """
        UPDATE event_logs_active SET fired_at = fired_at - interval '49 hours'
    """,
    "the statistics count every attempt once": """
        UPDATE delivery_stats SET count = count + 1 WHERE source = 'api'
    """,
    "an import's counts are its lines, each of which is an entry or an error, once": """
        INSERT INTO jobs (id, project_id, file_name, status, created_at, completed_at, next_line,
                          accepted)
        SELECT gen_random_uuid(), id, 'lines.jsonl', 'completed', now(), now(), 6, 5 FROM projects
    """,
    "no error text holds what looks like a secret": """
        UPDATE event_logs_active SET last_error = 'refused: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    """,
    "of an API key there is a short prefix and a SHA-256": """
        UPDATE api_keys SET key_hash = 'the key itself'
    """,
}

GUARDS = """
    CREATE EXTENSION IF NOT EXISTS hstore;
    DROP INDEX event_logs_active_occurrence_key;
    ALTER TABLE event_logs_active DROP CONSTRAINT event_logs_active_final_check;
    CREATE TABLE event_logs_archive_all PARTITION OF event_logs_archive DEFAULT
"""

Check = Callable[..., dict[str, Any]]


@pytest.fixture
async def check(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, database_url: str
) -> Check:
    """A database with events of every source; returns what is broken: rule → first example."""
    every = a_scheduled_trigger(receiver.url(), schedule={"every": "10s"})
    await create(parts, caller, every)
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    keyed = keyed_request(["once"], b'{"id": 2}')
    await fire_webhook(trigger.webhook_token or "", b'{"id": 2}', parts.fire_webhook, request=keyed)
    for _ in range(3):
        clock.advance(seconds=10)
        await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    await replay_event(event_id, caller, parts.replay_events)
    await functions.work(parts.settings.deliveries_queue_url)
    await functions.tick()
    reading = Reading(clock.now(), parts.settings.retention, clock.now(), clock.now())

    def broken(url: str = database_url) -> dict[str, Any]:
        return {
            verdict.rule.says: verdict.examples[0]
            for verdict in check_invariants(url, reading)
            if verdict.broken
        }

    return broken


def run(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def copy_of(database_url: str, postgres: Postgres) -> Iterator[str]:
    name = str(make_url(database_url).database)
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}".encode())
        yield postgres.url(f"{name}_copy")
        connection.execute(f"DROP DATABASE {name}_copy WITH (FORCE)".encode())


def test_every_rule_has_its_breakage():
    assert set(BREAKAGES) == {rule.says for rule in RULES}


async def test_each_breakage_by_hand_is_named(
    check: Check, parts: Wiring, database_url: str, postgres: Postgres
) -> None:
    assert check() == {}
    await parts.close()  # so that the database can be copied
    for rule, breakage in BREAKAGES.items():
        with copy_of(database_url, postgres) as copy:
            run(copy, GUARDS)
            run(copy, breakage)
            assert check(copy)[rule]["id"], rule


async def test_an_event_fired_after_its_trigger_was_deleted_is_named(
    check: Check, parts: Wiring, caller: Principal, clock: VirtualClock, database_url: str
) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        [trigger_id] = connection.execute("SELECT id FROM triggers WHERE type = 'api'").fetchone()  # type: ignore[misc]
    await delete_trigger(trigger_id, caller, parts.manage_triggers)
    assert check() == {}
    run(database_url, "UPDATE event_logs_active SET fired_at = fired_at + interval '1 hour'")
    assert "nothing fires after its trigger was deleted or paused" in check()


@pytest.mark.usefixtures("check")
def test_the_queue_is_judged_when_it_is_read(
    database_url: str, clock: VirtualClock, parts: Wiring
) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DELETE FROM event_logs_active WHERE status <> 'success'")
        [event_id] = connection.execute("SELECT id FROM event_logs_active LIMIT 1").fetchone()  # type: ignore[misc]
    sound = Reading(clock.now(), parts.settings.retention, queue=QueueReading(0, (UUID(int=7),)))
    about_queue = {rule.says for rule in QUEUE}

    def broken(reading: Reading) -> list[str]:
        verdicts = check_invariants(database_url, reading)
        assert about_queue <= {verdict.rule.says for verdict in verdicts}
        return [v.rule.says for v in verdicts if v.broken and v.rule.invariant == "I12"]

    assert broken(sound) == []
    assert broken(replace(sound, queue=QueueReading(0, (event_id,)))) == [QUEUE[0].says]
    assert broken(replace(sound, queue=QueueReading(3, ()))) == [QUEUE[1].says]


def test_rules_about_work_in_hand_are_judged_only_from_when_it_must_be_done(
    check: Check, database_url: str, parts: Wiring, clock: VirtualClock
) -> None:
    assert check() == {}
    clock.advance(hours=50)
    unjudged = Reading(clock.now(), parts.settings.retention)
    assert not any(verdict.broken for verdict in check_invariants(database_url, unjudged))
    judged = replace(unjudged, ticked_at=clock.now() - timedelta(seconds=5))
    broken = {v.rule.says for v in check_invariants(database_url, judged) if v.broken}
    assert broken == {"no due occurrence is left behind by the tick"}
