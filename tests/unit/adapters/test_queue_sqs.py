"""The queue's adapter: delays, batches, and a service that is away or takes only a part."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.message import parse_message

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AWAY = EndpointConnectionError(endpoint_url="http://sqs")


class Service:
    """Takes what it is told to take and keeps the requests."""

    def __init__(self, error: Exception | None = None, refused: set[str] | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self._error, self._refused = error, refused or set()

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        ids = [entry["Id"] for entry in request["Entries"]]
        taken = [{"Id": id} for id in ids if id not in self._refused]
        return {"Successful": taken, "Failed": [{"Id": id} for id in self._refused]}


def queue(service: Service) -> SqsQueue:
    return SqsQueue(cast(Any, service), "http://sqs/queue")


def ref(seconds_ahead: float = 0, n: int = 1) -> EventRef:
    return EventRef(UUID(int=n), NOW + timedelta(seconds=seconds_ahead), "endpoint", f"dedup-{n}")


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
async def test_a_message_is_delayed_by_whole_seconds_never_past_its_time(seconds_ahead, delay):
    service = Service()
    await queue(service).send([ref(seconds_ahead)], now=NOW)
    [request] = service.requests
    assert [entry["DelaySeconds"] for entry in request["Entries"]] == [delay]


async def test_messages_go_in_batches_of_ten_with_the_dedup_id_as_attribute():
    service = Service()
    refs = [ref(n=n) for n in range(25)]
    assert await queue(service).send(refs, now=NOW) == refs
    entries = [entry for request in service.requests for entry in request["Entries"]]
    assert max(len(request["Entries"]) for request in service.requests) == 10
    assert {parse_message(json.loads(entry["MessageBody"])) for entry in entries} == set(refs)
    for entry in entries:
        assert set(entry) == {"Id", "MessageBody", "DelaySeconds", "MessageAttributes"}
        dedup_id = entry["MessageAttributes"]["dedup_id"]["StringValue"]
        assert dedup_id == json.loads(entry["MessageBody"])["dedup_id"]


async def test_what_the_queue_does_not_take_is_not_called_sent():
    refs = [ref(n=n) for n in range(3)]
    assert await queue(Service(refused={"1"})).send(refs, now=NOW) == [refs[0], refs[2]]


@pytest.mark.parametrize("error", [AWAY, ClientError({"Error": {"Code": "Throttled"}}, "Send")])
async def test_a_queue_that_is_away_takes_nothing_and_raises_nothing(error):
    assert await queue(Service(error)).send([ref()], now=NOW) == []


async def test_nothing_to_send_is_no_request():
    service = Service()
    assert await queue(service).send([], now=NOW) == []
    assert service.requests == []
