"""The queue's adapter: delays, messages of many events, and a service that is away or takes a part."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from async_sqs import SqsAway, SqsError, SqsRefusal
from tests.sqs_service import SqsService
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.message import MAX_EVENTS, parse_message

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def service(error: SqsError | None = None, refused: frozenset[int] = frozenset()) -> SqsService:
    """`refused`: the places in a batch of messages that are not taken."""

    def send(request: Mapping[str, Any]) -> dict[str, Any]:
        if error is not None:
            raise error
        ids = [entry["Id"] for entry in request["Entries"]]
        return {
            "Successful": [{"Id": id} for n, id in enumerate(ids) if n not in refused],
            "Failed": [{"Id": id} for n, id in enumerate(ids) if n in refused],
        }

    return SqsService(SendMessageBatch=send)


def queue(service: SqsService) -> SqsQueue:
    return SqsQueue(service.client, "http://sqs/queue")


def entries(service: SqsService) -> list[dict[str, Any]]:
    return [entry for _, request in service.calls for entry in request["Entries"]]


def ref(seconds_ahead: float = 0, n: int = 1) -> EventRef:
    return EventRef(UUID(int=n), NOW + timedelta(seconds=seconds_ahead), "endpoint")


@pytest.mark.parametrize(
    ("seconds_ahead", "delay"),
    [
        (-3600, 0),
        (-0.5, 0),
        (0, 0),
        (0.999999, 0),
        (1, 1),
        (1.999999, 1),
        (2, 2),
        (899.5, 899),
        (900, 900),
        (901, 900),
        (86_400, 900),
    ],
)
async def test_a_message_is_delayed_by_whole_seconds_never_past_its_time(
    seconds_ahead: float, delay: int
) -> None:
    sqs = service()
    await queue(sqs).send([ref(seconds_ahead)], now=NOW)
    assert [entry["DelaySeconds"] for entry in entries(sqs)] == [delay]


async def test_events_with_the_same_delay_share_a_message_up_to_its_limit() -> None:
    sqs = service()
    refs = [ref(seconds, n=2 * n + seconds) for n in range(2 * MAX_EVENTS) for seconds in (0, 1)]
    assert await queue(sqs).send(refs, now=NOW) == refs
    sent = entries(sqs)
    assert sorted(entry["DelaySeconds"] for entry in sent) == [0, 0, 1, 1]
    found = [one for entry in sent for one in parse_message(json.loads(entry["MessageBody"]))]
    assert sorted(one.event_id for one in found) == sorted(one.event_id for one in refs)
    assert all(set(entry) == {"Id", "MessageBody", "DelaySeconds"} for entry in sent)


async def test_more_than_ten_messages_go_in_several_requests() -> None:
    sqs = service()
    refs = [ref(n=n) for n in range(25 * MAX_EVENTS)]
    assert await queue(sqs).send(refs, now=NOW) == refs
    sizes = [len(request["Entries"]) for _, request in sqs.calls]
    assert (max(sizes), sum(sizes)) == (10, 25)


async def test_only_events_whose_message_was_taken_count_as_sent() -> None:
    refs = [ref(seconds, n=seconds) for seconds in range(3)]
    taken = await queue(service(refused=frozenset({1}))).send(refs, now=NOW)
    assert taken == [refs[0], refs[2]]


@pytest.mark.parametrize("error", [SqsAway("away"), SqsRefusal("Throttled", "slow down")])
async def test_a_queue_that_is_away_takes_nothing_and_raises_nothing(error: SqsError) -> None:
    assert await queue(service(error)).send([ref()], now=NOW) == []


async def test_nothing_to_send_is_no_request() -> None:
    sqs = service()
    assert await queue(sqs).send([], now=NOW) == []
    assert sqs.calls == []


async def test_the_queue_says_how_many_messages_wait() -> None:
    name = "ApproximateNumberOfMessages"
    sqs = SqsService(GetQueueAttributes=lambda _: {"Attributes": {name: "7"}})
    assert await queue(sqs).waiting() == 7


async def test_a_queue_that_does_not_say_counts_as_empty() -> None:
    def away(_: object) -> dict[str, Any]:
        raise SqsAway("away")

    assert await queue(SqsService(GetQueueAttributes=away)).waiting() == 0
