"""Duplicates are impossible by construction: in the table, on the queue, and when a tick repeats."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from async_sqs import SqsClient
from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.lanes import dsn
from tests.mocked_aws import aws_endpoint
from tests.receiver import Receiver
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
FORBIDDEN = {"MessageDeduplicationId", "MessageGroupId"}
COPY = """
    INSERT INTO event_logs_active
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at)
    SELECT %s, project_id, trigger_id, revision_id, trigger_type, %s, is_test, scheduled_for,
           fired_at, payload, endpoint_key, status, attempt, next_attempt_at
      FROM event_logs_active
"""


@pytest.fixture
def database(settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn(settings.database_url), autocommit=True) as connection:
        yield connection


def rows(database: psycopg.Connection) -> list[Any]:
    query = "SELECT id, scheduled_for, status FROM event_logs_active ORDER BY scheduled_for"
    return database.execute(query).fetchall()


@pytest.mark.breaks_invariants
async def test_the_database_refuses_a_second_event_of_one_occurrence(
    parts: Wiring, caller: Principal, database: psycopg.Connection
) -> None:
    await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"in": "1s"}))
    assert len(rows(database)) == 1
    with pytest.raises(psycopg.errors.UniqueViolation, match="occurrence_key"):
        database.execute(COPY, (uuid4(), "scheduled"))
    database.execute(COPY, (uuid4(), "replay"))  # not a firing: the same time may repeat
    assert len(rows(database)) == 2


async def test_a_replayed_tick_over_the_same_due_trigger_writes_nothing_twice(
    parts: Wiring, caller: Principal, clock: VirtualClock, database: psycopg.Connection
) -> None:
    schedule = {"every": "1s", "max_fires": 10}
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK, schedule=schedule))
    clock.advance(seconds=3)
    cursor = database.execute(
        "SELECT next_occurrence_at, next_fire_at, fired_count FROM triggers"
    ).fetchall()
    await functions.tick()
    written = rows(database)
    assert len(written) == 5  # three due, two within the look-ahead

    # As if the first tick's cursor had been lost and its events had not.
    database.execute(
        "UPDATE triggers SET next_occurrence_at = %s, next_fire_at = %s, fired_count = %s",
        cursor[0],
    )
    assert (await functions.tick())["fired"] == 0
    assert rows(database) == written
    assert (await functions.tick())["fired"] == 0
    assert rows(database) == written
    assert trigger.status == "active"


async def test_a_message_that_comes_twice_is_delivered_once(
    parts: Wiring, caller: Principal, receiver: Receiver, settings: Settings
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [record] = functions.messages(settings.deliveries_queue_url)
    again = record | {"messageId": str(uuid4())}
    assert await functions.deliver([record, again]) == []
    assert await functions.deliver([record]) == []
    assert len(receiver.deliveries) == 1


class Watched(SqsClient):
    """A client that notes every call."""

    def __init__(self) -> None:
        super().__init__(aws_endpoint())
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, wait_seconds: float = 0.0
    ) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        return await super().call(operation, parameters, wait_seconds=wait_seconds)


async def test_a_standard_queue_is_never_sent_fifo_parameters(
    parts: Wiring, caller: Principal, settings: Settings
) -> None:
    client = Watched()
    parts.queue = SqsQueue(client, settings.deliveries_queue_url)
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    await fire(parts, trigger, b'{"id": 1}')
    await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"in": "1s"}))
    await client.close()
    assert [name for name, _ in client.calls] == ["SendMessageBatch"] * 2
    assert not any(name in repr(client.calls) for name in FORBIDDEN)
    assert len(functions.messages(settings.deliveries_queue_url)) == 2
