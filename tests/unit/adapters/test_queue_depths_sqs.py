"""The queues' depths: read by name, dead letters beside them, and a service that is away."""

from collections.abc import Mapping
from typing import Any

import pytest

from async_sqs import SqsAway
from tests.sqs_service import SqsService
from triggerfish.adapters.queue_depths_sqs import QueueUrls, SqsQueueDepths
from triggerfish.domain.errors import TryLater
from triggerfish.domain.observation import QueueDepth

QUEUES = {"jobs": QueueUrls("jobs", "jobs-dlq"), "news": QueueUrls("news", "news-dlq")}
COUNTS = {  # visible, in flight, delayed
    "jobs": (3, 1, 2),
    "jobs-dlq": (4, 1, 0),
    "news": (0, 0, 0),
    "news-dlq": (0, 0, 0),
}


def depths(away: str = "") -> SqsQueueDepths:
    """One of the queues may be away."""

    def attributes(request: Mapping[str, Any]) -> dict[str, Any]:
        if request["QueueUrl"] == away:
            raise SqsAway("away")
        counts = zip(("", "NotVisible", "Delayed"), COUNTS[request["QueueUrl"]], strict=True)
        return {"Attributes": {f"ApproximateNumberOfMessages{end}": str(n) for end, n in counts}}

    return SqsQueueDepths(SqsService(GetQueueAttributes=attributes).client, QUEUES)


async def test_each_queue_is_read_with_its_dead_letters_those_looked_at_included() -> None:
    assert await depths().read() == {
        "jobs": QueueDepth(waiting=3, in_flight=1, delayed=2, dead=4 + 1),
        "news": QueueDepth(0, 0, 0, 0),
    }


@pytest.mark.parametrize("away", ["jobs", "news-dlq"])
async def test_a_queue_that_is_away_is_said(away: str) -> None:
    with pytest.raises(TryLater):
        await depths(away).read()
