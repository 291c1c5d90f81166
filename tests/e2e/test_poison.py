"""Messages that are no jobs end in the dead-letter queue; what is behind them is delivered meanwhile."""

from collections.abc import Iterator

import pytest

from tests.e2e.consistency import check_consistency
from tests.e2e.platform import Platform, platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

POISON = ["no json", "{}", '{"v": 1, "event_id": "no id"}', "[" * 2000]
GOOD = 20


@pytest.fixture(scope="module")
def hasty() -> Iterator[Platform]:
    """Its queue hands out a message again after two seconds; the fifth time is the last."""
    with platform(visibility_seconds=2) as one:
        yield one


def test_poison_ends_in_the_dead_letter_queue_while_others_are_delivered(
    hasty: Platform, endpoint: Endpoint
) -> None:
    trigger = hasty.create(type="api", name="good", schema={}, endpoint={"url": endpoint.url()})
    for number in range(GOOD):
        if number < len(POISON):
            hasty.sqs.send_message(QueueUrl=hasty.queue_url(), MessageBody=POISON[number])
        hasty.request("POST", trigger["webhook_url"], {"number": number})
    until(lambda: len(endpoint.event_ids()) == GOOD, 30, what="the good ones", every=0.01)
    assert dead_letters(hasty) == 0, "good events waited for the poison to be gone"

    until(lambda: dead_letters(hasty) == len(POISON), 60, what="the poison in the DLQ", every=0.2)
    assert f"triggerfish_dead_letters {len(POISON)}.0" in hasty.request("GET", "/metrics").text
    dead = [receive_dead(hasty) for _ in POISON]
    assert sorted(dead) == sorted(POISON)
    until(lambda: hasty.log_of(trigger["id"], "pending") is None, 10, what="every outcome")
    check_consistency(hasty.database_url)


def dead_letters(hasty: Platform) -> int:
    """How many messages the dead-letter queue holds, those handed out included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = hasty.sqs.get_queue_attributes(
        QueueUrl=hasty.queue_url("-dlq"), AttributeNames=["All"]
    )
    return sum(int(answer["Attributes"][name]) for name in names)


def receive_dead(hasty: Platform) -> str:
    answer = hasty.sqs.receive_message(QueueUrl=hasty.queue_url("-dlq"), WaitTimeSeconds=5)
    (message,) = answer["Messages"]
    return message["Body"]
