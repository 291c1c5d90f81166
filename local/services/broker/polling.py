"""ReceiveMessage: wait for messages as long as asked, and show them with the attributes asked for.

A parked poll takes no message until it is awake and its client is still there, so a client that
hangs up never swallows one.
"""

import asyncio
from collections.abc import Callable, Iterable

from local.services.broker import message_attributes
from local.services.broker.lobby import Client, Clock, Lobby
from local.services.broker.message import Message
from local.services.broker.message_operations import sequence_number
from local.services.broker.params import Params, integer, required_text, texts
from local.services.broker.queue import Queue
from local.services.broker.registry import Registry
from local.services.broker.settings import unknown_attribute

_SYSTEM_ATTRIBUTES = {
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
}
_SENDER = "AIDALOCALLOCALLOCAL00"


async def receive_message(
    registry: Registry, lobby: Lobby, params: Params, client: Client, clock: Clock
) -> Params:
    """The ReceiveMessage operation; waits for up to WaitTimeSeconds while the queue has nothing."""
    url = required_text(params, "QueueUrl")
    queue = registry.at(url).queue
    limit = integer(params, "MaxNumberOfMessages", 1, 10)
    visibility = integer(params, "VisibilityTimeout", 0, 43_200)
    wait = integer(params, "WaitTimeSeconds", 0, 20)
    shape = _shape(params)
    deadline = clock() + (queue.settings.wait if wait is None else wait)
    woken = asyncio.Event()
    try:
        while True:
            now = clock()
            messages = registry.receive(queue, 1 if limit is None else limit, visibility, now)
            if messages or now >= deadline or lobby.closed:
                break
            client.watch(woken.set)
            await lobby.park(queue, woken, deadline - now)
            await asyncio.sleep(0)  # so that a hang-up which arrived with the message is seen
            if client.gone:
                break
            queue = registry.at(url).queue  # it may have been deleted meanwhile
    finally:
        client.unwatch()
        lobby.serve()  # what this poll did not take, or moved to a dead-letter queue, is for others
    return {"Messages": [shape(queue, message) for message in messages]} if messages else {}


def _shape(params: Params) -> Callable[[Queue, Message], Params]:
    """How a message is to be shown: with the attributes that the receive asks for."""
    wanted = {*texts(params, "AttributeNames"), *texts(params, "MessageSystemAttributeNames")}
    for name in sorted(wanted - _SYSTEM_ATTRIBUTES):
        raise unknown_attribute(name)
    names = texts(params, "MessageAttributeNames")
    return lambda queue, message: _shown(queue, message, wanted, names)


def _shown(queue: Queue, message: Message, wanted: set[str], names: Iterable[str]) -> Params:
    shown: Params = {
        "MessageId": message.id,
        "ReceiptHandle": queue.receipt_handle(message),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if wanted:
        shown["Attributes"] = _system_attributes(message, wanted)
    if message.attributes and names:
        attributes = message_attributes.selected(message.attributes, names)
        if attributes:
            complete = attributes is message.attributes
            shown["MessageAttributes"] = attributes
            shown["MD5OfMessageAttributes"] = (
                message.attributes_md5 if complete else message_attributes.md5(attributes)
            )
    return shown


def _system_attributes(message: Message, wanted: set[str]) -> dict[str, str]:
    attributes = {
        "SenderId": _SENDER,
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.receive_count),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
        "AWSTraceHeader": message.trace_header,
        "DeadLetterQueueSourceArn": message.dead_letter_source,
        "MessageDeduplicationId": message.dedup_id,
        "MessageGroupId": message.group,
        "SequenceNumber": sequence_number(message.sequence) if message.sequence else None,
    }
    complete = "All" in wanted
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and (complete or name in wanted)
    }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
