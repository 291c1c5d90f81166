"""What `triggerfish dlq` does to a dead-letter queue, on every SQS that we run on."""

import json

import pytest

from local.cli.dead_letters import DeadLetters
from tests.contract.sqs.backends import Sqs

DEDUP = {"dedup_id": {"DataType": "String", "StringValue": "nightly:1"}}
MANY = 25
"""More than SQS hands out at once."""


@pytest.fixture
def queues(sqs: Sqs) -> tuple[str, str]:
    """A queue that gives up a message after one receive, and its dead-letter queue."""
    dead = sqs.queue()
    policy = {"deadLetterTargetArn": sqs.attributes(dead)["QueueArn"], "maxReceiveCount": 1}
    return sqs.queue(VisibilityTimeout=0, RedrivePolicy=json.dumps(policy)), dead


@pytest.fixture
def letters(sqs: Sqs, queues: tuple[str, str]) -> DeadLetters:
    return DeadLetters(sqs.client, url=queues[1], source_url=queues[0], wait_seconds=0)


def bury(sqs: Sqs, queues: tuple[str, str], *bodies: str) -> None:
    for body in bodies:
        sqs.send(queues[1], body, MessageAttributes=DEDUP)


def test_a_given_up_message_is_seen_whole_again_and_again(
    sqs: Sqs, queues: tuple[str, str], letters: DeadLetters
) -> None:
    sent = sqs.send(queues[0], "poison", MessageAttributes=DEDUP)
    while sqs.receive(queues[0]):
        pass
    for _ in range(2):
        [letter] = letters.look(limit=10)
        assert (letter.id, letter.body) == (sent["MessageId"], "poison")
        assert letter.message_attributes["dedup_id"]["StringValue"] == "nightly:1"
        assert letters.count() == 1
    assert sqs.bodies(queues[1]) == ["poison"]


def test_a_look_at_many_is_bounded_and_leaves_them_all(
    sqs: Sqs, queues: tuple[str, str], letters: DeadLetters
) -> None:
    bodies = {f"poison {number}" for number in range(MANY)}
    bury(sqs, queues, *bodies)
    assert len(letters.look(limit=3)) == 3
    assert {letter.body for letter in letters.look(limit=100)} == bodies
    assert int(sqs.attributes(queues[1])["ApproximateNumberOfMessages"]) == MANY


def test_one_is_found_by_its_id_and_another_is_not(
    sqs: Sqs, queues: tuple[str, str], letters: DeadLetters
) -> None:
    bury(sqs, queues, *(f"poison {number}" for number in range(MANY)))
    [*_, last] = letters.look(limit=100)
    found = letters.find(last.id)
    assert found is not None
    assert found.body == last.body
    assert letters.find("no such id") is None


def test_all_go_back_to_where_they_came_from_with_their_attributes(
    sqs: Sqs, queues: tuple[str, str], letters: DeadLetters
) -> None:
    bury(sqs, queues, *(f"poison {number}" for number in range(MANY)))
    assert len(letters.redrive(None)) == MANY
    assert letters.count() == 0
    back = [message for _ in range(MANY) for message in sqs.receive(queues[0], limit=1)]
    assert {message["Body"] for message in back} == {f"poison {number}" for number in range(MANY)}
    assert {m["MessageAttributes"]["dedup_id"]["StringValue"] for m in back} == {"nightly:1"}


def test_those_named_go_back_and_the_others_stay(
    sqs: Sqs, queues: tuple[str, str], letters: DeadLetters
) -> None:
    bury(sqs, queues, "one", "two", "three")
    two = next(letter.id for letter in letters.look(limit=10) if letter.body == "two")
    assert letters.redrive({two, "no such id"}) == [two]
    assert sqs.bodies(queues[0]) == ["two"]
    assert sorted(letter.body for letter in letters.look(limit=10)) == ["one", "three"]


def test_purging_leaves_none(sqs: Sqs, queues: tuple[str, str], letters: DeadLetters) -> None:
    bury(sqs, queues, "one", "two")
    letters.purge()
    assert letters.count() == 0
    assert letters.look(limit=10) == []
