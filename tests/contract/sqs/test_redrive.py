"""Messages received too often: into the dead-letter queue, and back."""

import json

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import accepted, give_up, polling, redrive_to, refused, text


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 2))
    sent = sqs.send(url, "poison", MessageAttributes={"a": text("1")})
    for _ in range(2):
        [message] = sqs.receive(url)
        sqs.hide(url, message, 0)
    assert sqs.receive(url) == []
    [letter] = sqs.receive(dead)
    assert (letter["Body"], letter["MessageId"]) == ("poison", sent["MessageId"])
    assert letter["MessageAttributes"] == {"a": text("1")}


def test_a_dead_letter_names_the_queue_it_comes_from(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    sqs.send(url)
    give_up(sqs, url)
    [letter] = sqs.receive(dead)
    source = sqs.attributes(url)["QueueArn"]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == source


def test_a_long_poll_on_a_dead_letter_queue_wakes_for_a_dead_letter(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, "1"))
    sqs.send(url, "poison")
    with polling(sqs, dead) as received:
        give_up(sqs, url)
    assert received == ["poison"]


def test_a_receive_count_out_of_range_is_refused(sqs: Sqs) -> None:
    dead = sqs.queue()
    bad = [0, 1001, "many"]
    make = lambda count: sqs.queue(RedrivePolicy=redrive_to(sqs, dead, count))  # noqa: E731
    assert accepted(make, bad) == []


def test_a_redrive_policy_must_name_a_queue_that_exists(sqs: Sqs) -> None:
    arn = sqs.attributes(sqs.queue())["QueueArn"] + "-not"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    assert (
        accepted(lambda policy: sqs.queue(RedrivePolicy=policy), [policy, "{}", "nonsense"]) == []
    )


def test_a_dead_letter_queue_must_be_of_the_type_of_its_source(sqs: Sqs) -> None:
    policy = redrive_to(sqs, sqs.fifo(), 3)
    with refused("InvalidParameterValue"):
        sqs.queue(RedrivePolicy=policy)


def test_dead_letters_can_be_moved_back(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    sqs.send(url, "again")
    give_up(sqs, url)
    arn = sqs.attributes(dead)["QueueArn"]
    sqs.client.start_message_move_task(SourceArn=arn)
    [message] = sqs.receive(url, wait=5)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    [task] = sqs.client.list_message_move_tasks(SourceArn=arn)["Results"]
    assert task["Status"] in ("RUNNING", "COMPLETED")


def test_only_a_dead_letter_queue_can_be_moved_from(sqs: Sqs) -> None:
    arn = sqs.attributes(sqs.queue())["QueueArn"]
    with refused("InvalidParameterValue"):
        sqs.client.start_message_move_task(SourceArn=arn)


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    assert sqs.client.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
