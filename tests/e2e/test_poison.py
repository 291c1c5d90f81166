"""Messages that are no jobs end in the dead-letter queue; what is behind them is delivered meanwhile."""

from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

POISON = ["no json", "{}", '{"v": 1, "event_id": "no id"}', "[" * 2000]
GOOD = 20


def test_poison_ends_in_the_dead_letter_queue_while_others_are_delivered(
    hurried: Platform, endpoint: Endpoint
) -> None:
    trigger = hurried.create(type="api", name="good", schema={}, endpoint={"url": endpoint.url()})
    for number in range(GOOD):
        if number < len(POISON):
            hurried.sqs.send_message(QueueUrl=hurried.queue_url(), MessageBody=POISON[number])
        hurried.request("POST", trigger["webhook_url"], {"number": number})
    until(lambda: len(endpoint.event_ids()) == GOOD, 30, what="the good ones", every=0.01)
    assert dead_letters(hurried) == 0, "good events waited for the poison to be gone"

    until(lambda: dead_letters(hurried) == len(POISON), 60, what="the poison in the DLQ", every=0.2)
    assert f"triggerfish_dead_letters {len(POISON)}.0" in hurried.request("GET", "/metrics").text
    dead = [receive_dead(hurried) for _ in POISON]
    assert sorted(dead) == sorted(POISON)


def dead_letters(hurried: Platform) -> int:
    """How many messages the dead-letter queue holds, those handed out included."""
    answer = hurried.sqs.get_queue_attributes(
        QueueUrl=hurried.queue_url("-dlq"), AttributeNames=["All"]
    )
    found = answer["Attributes"]
    waiting = found["ApproximateNumberOfMessages"]
    return int(waiting) + int(found["ApproximateNumberOfMessagesNotVisible"])


def receive_dead(hurried: Platform) -> str:
    answer = hurried.sqs.receive_message(QueueUrl=hurried.queue_url("-dlq"), WaitTimeSeconds=5)
    (message,) = answer["Messages"]
    return message["Body"]
