"""The queues' depths: read by name, dead letters beside them, and a service that is away."""

from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from triggerfish.adapters.queue_depths_sqs import QueueUrls, SqsQueueDepths
from triggerfish.domain.errors import TryLater
from triggerfish.domain.observation import QueueDepth

QUEUES = {"jobs": QueueUrls("jobs", "jobs-dlq"), "news": QueueUrls("news", "news-dlq")}


class Service:
    """Queues with (visible, in flight, delayed) messages; one of them may be away."""

    def __init__(self, away: str = "") -> None:
        self._away = away
        self._counts = {
            "jobs": (3, 1, 2),
            "jobs-dlq": (4, 1, 0),
            "news": (0, 0, 0),
            "news-dlq": (0, 0, 0),
        }

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        url = request["QueueUrl"]
        if url == self._away:
            raise EndpointConnectionError(endpoint_url=url)
        suffixes = ("", "NotVisible", "Delayed")
        counts = zip(suffixes, self._counts[url], strict=True)
        return {
            "Attributes": {f"ApproximateNumberOfMessages{end}": str(n) for end, n in counts},
        }


def depths(service: Service) -> SqsQueueDepths:
    return SqsQueueDepths(cast(Any, service), QUEUES)


async def test_each_queue_is_read_with_its_dead_letters_those_looked_at_included() -> None:
    assert await depths(Service()).read() == {
        "jobs": QueueDepth(waiting=3, in_flight=1, delayed=2, dead=4 + 1),
        "news": QueueDepth(0, 0, 0, 0),
    }


@pytest.mark.parametrize("away", ["jobs", "news-dlq"])
async def test_a_queue_that_is_away_is_said(away: str) -> None:
    with pytest.raises(TryLater):
        await depths(Service(away)).read()
