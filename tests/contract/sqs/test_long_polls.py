"""Long polls: how long they last, and what wakes them."""

import time

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import entry, polling, seconds


def test_an_empty_long_poll_lasts_as_long_as_asked(sqs: Sqs) -> None:
    url = sqs.queue()
    assert 0.9 < seconds(lambda: sqs.receive(url, wait=1)) < 3


def test_a_queue_may_set_the_length_of_its_polls(sqs: Sqs) -> None:
    url = sqs.queue(ReceiveMessageWaitTimeSeconds=1)
    assert 0.9 < seconds(lambda: sqs.client.receive_message(QueueUrl=url)) < 3


def test_a_long_poll_wakes_for_a_new_message(sqs: Sqs) -> None:
    url = sqs.queue()
    started = time.monotonic()
    with polling(sqs, url) as received:
        sqs.send(url, "news")
    assert received == ["news"]
    assert time.monotonic() - started < 5


def test_two_long_polls_share_two_messages(sqs: Sqs) -> None:
    url = sqs.queue()
    with polling(sqs, url) as one, polling(sqs, url) as other:
        sqs.client.send_message_batch(QueueUrl=url, Entries=[entry(1, "a"), entry(2, "b")])
    assert sorted(one + other) == ["a", "b"]


def test_a_long_poll_wakes_for_a_message_given_back(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "again")
    [message] = sqs.receive(url)
    with polling(sqs, url) as received:
        sqs.hide(url, message, 0)
    assert received == ["again"]
