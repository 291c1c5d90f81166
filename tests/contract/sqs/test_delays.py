"""Delays: of a queue, of a message, of an entry in a batch."""

import time

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import accepted, entry


def test_a_long_poll_wakes_when_a_delayed_message_is_due(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "later", DelaySeconds=1)
    assert sqs.bodies(url) == []
    started = time.monotonic()
    assert sqs.bodies(url, wait=5) == ["later"]
    assert 0.8 < time.monotonic() - started < 3


def test_a_delay_out_of_range_is_refused(sqs: Sqs) -> None:
    url = sqs.queue()
    assert accepted(lambda delay: sqs.send(url, DelaySeconds=delay), [901, -1]) == []


def test_a_queue_delays_its_messages(sqs: Sqs) -> None:
    url = sqs.queue(DelaySeconds=1)
    sqs.send(url, "later")
    assert sqs.bodies(url) == []
    assert sqs.bodies(url, wait=5) == ["later"]


def test_a_delay_of_zero_overrides_that_of_the_queue(sqs: Sqs) -> None:
    url = sqs.queue(DelaySeconds=30)
    sqs.send(url, "now", DelaySeconds=0)
    assert sqs.bodies(url) == ["now"]


def test_each_entry_of_a_batch_has_its_own_delay(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.send_message_batch(
        QueueUrl=url, Entries=[entry(1, "late", DelaySeconds=1), entry(2, "now", DelaySeconds=0)]
    )
    assert sqs.bodies(url) == ["now"]
    assert sqs.bodies(url, wait=5) == ["late"]
