"""Duplicates are impossible by construction: in the table, on the queue, and when a tick repeats."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import psycopg
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.lanes import dsn
from tests.receiver import Receiver
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import EventRef
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


class Requests(list[tuple[str, dict[str, Any]]]):
    """Every call that a client makes, as botocore is about to send it."""

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-parameter-build.sqs.*", self._built)
        client.meta.events.register("before-call.sqs.*", self._called)

    def _built(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.append((model.name, params))

    def _called(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.append((f"{model.name} on the wire", {"body": params["body"]}))

    def mentions(self, names: set[str]) -> set[str]:
        return {name for name in names if name in repr(list(self))}


async def test_a_standard_queue_is_never_sent_fifo_parameters(
    parts: Wiring, caller: Principal, settings: Settings
) -> None:
    seen, client = Requests(), boto3.client("sqs")
    seen.watch(client)
    parts.queue = SqsQueue(client, settings.deliveries_queue_url)
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    await fire(parts, trigger, b'{"id": 1}')
    scheduled = await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"in": "1s"}))
    assert [name for name, _ in seen].count("SendMessageBatch") == 2
    assert seen.mentions(FORBIDDEN) == set()

    at = parts.clock.now() + timedelta(seconds=1)
    occurrence = f"{scheduled.id}:{round(at.timestamp() * 1000)}"
    records = functions.messages(settings.deliveries_queue_url)
    sent = {record["messageAttributes"]["dedup_id"]["stringValue"] for record in records}
    assert occurrence in sent
    assert len(sent) == 2
    assert all(attribute in str(records) for attribute in sent)


async def test_the_watch_on_requests_does_see_fifo_parameters(
    queue_urls: tuple[str, str],
) -> None:
    """The positive control of the test above: a client that sends them is caught."""
    client = boto3.client("sqs")
    seen = Requests()
    seen.watch(client)
    fifo = client.create_queue(QueueName="x.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    entry = {"Id": "1", "MessageBody": "x", "MessageDeduplicationId": "a", "MessageGroupId": "b"}
    client.send_message_batch(QueueUrl=fifo, Entries=[entry])  # type: ignore[list-item]
    assert seen.mentions(FORBIDDEN) == FORBIDDEN


@pytest.mark.parametrize(
    ("seconds_ahead", "delay"), [(-5, 0), (0, 0), (0.999, 0), (1, 1), (1.999, 1), (5000, 900)]
)
async def test_a_message_is_delayed_by_whole_seconds_rounded_down_up_to_the_queues_limit(
    queue_urls: tuple[str, str], seconds_ahead: float, delay: int
) -> None:
    client = boto3.client("sqs")
    seen = Requests()
    seen.watch(client)
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    ref = EventRef(uuid4(), now + timedelta(seconds=seconds_ahead), "endpoint", "dedup")
    assert await SqsQueue(client, queue_urls[0]).send([ref], now=now) == [ref]
    assert [params["Entries"][0]["DelaySeconds"] for _, params in seen[:1]] == [delay]
