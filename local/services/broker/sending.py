"""From the parameters of a send to a message: every rule AWS checks before it accepts one."""

import hashlib
import re
import uuid

from local.services.broker import message_attributes
from local.services.broker.errors import SqsError, invalid, invalid_value, malformed, missing
from local.services.broker.message import Message
from local.services.broker.params import Params, integer, object_map, required_text, text
from local.services.broker.queue import Queue
from local.services.broker.settings import MAX_MESSAGE_BYTES

_TOKEN = re.compile(r"[!-~]{1,128}")  # alphanumeric and punctuation
_TRACE = "AWSTraceHeader"
_WRONG_TYPE = "The request include parameter that is not valid for this queue type."


def message_from(params: Params, queue: Queue, now: float) -> Message:
    """A checked message, not yet sent. Raises what AWS raises for the first rule broken."""
    body = required_text(params, "MessageBody")
    attributes = message_attributes.checked(object_map(params, "MessageAttributes"))
    if size_of(params) > queue.settings.max_bytes:
        raise invalid(
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {queue.settings.max_bytes} bytes."
        )
    if not message_attributes.is_allowed_text(body):
        raise SqsError(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
            "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
        )
    return Message(
        id=str(uuid.uuid4()),
        body=body,
        body_md5=hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        sent_at=now,
        attributes=attributes,
        attributes_md5=message_attributes.md5(attributes) if attributes else None,
        trace_header=_trace_header(params),
        group=_token(params, "MessageGroupId"),
        dedup_id=_dedup_id(params, queue, body),
    )


def delay_of(params: Params, queue: Queue) -> int | None:
    """DelaySeconds, 0..900; FIFO queues take only their own delay."""
    delay = integer(params, "DelaySeconds", 0, 900)
    if queue.settings.fifo and delay:
        raise invalid_value("DelaySeconds", delay, _WRONG_TYPE)
    return delay


def check_fifo(params: Params, queue: Queue) -> None:
    """A FIFO queue needs a group, and a deduplication id unless it derives one from the body."""
    if not queue.settings.fifo:
        return
    if not text(params, "MessageGroupId"):
        raise missing("MessageGroupId")
    if not text(params, "MessageDeduplicationId") and not queue.settings.content_dedup:
        raise invalid(
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )


def size_of(params: Params) -> int:
    """Bytes of one message: its body and its attributes."""
    body = text(params, "MessageBody") or ""
    attributes = object_map(params, "MessageAttributes")
    return len(body.encode()) + (message_attributes.size(attributes) if attributes else 0)


def check_batch(entries: list[Params], queue: Queue) -> None:
    """The rules that refuse a whole batch: FIFO parameters, and the size of all messages."""
    for entry in entries:
        try:
            check_fifo(entry, queue)
        except SqsError as error:
            raise invalid(error.message) from None  # in a batch AWS has one code for both
    if (total := sum(map(size_of, entries))) > MAX_MESSAGE_BYTES:
        raise SqsError(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. "
            f"You have sent {total} bytes.",
        )


def trace_header_md5(header: str) -> str:
    return message_attributes.md5({_TRACE: {"DataType": "String", "StringValue": header}})


def _token(params: Params, name: str) -> str | None:
    value = text(params, name)
    if value is not None and not _TOKEN.fullmatch(value):
        raise invalid_value(
            name,
            value,
            f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )
    return value


def _dedup_id(params: Params, queue: Queue, body: str) -> str | None:
    given = _token(params, "MessageDeduplicationId")
    if not queue.settings.fifo:
        if given is not None:
            raise invalid_value("MessageDeduplicationId", given, _WRONG_TYPE)
        return None
    return given or hashlib.sha256(body.encode()).hexdigest()


def _trace_header(params: Params) -> str | None:
    """The only system attribute a sender may set."""
    given = object_map(params, "MessageSystemAttributes")
    if not set(given) <= {_TRACE}:
        raise invalid(f"Message system attributes {sorted(given)} are not supported.")
    header = given.get(_TRACE)
    if header is None:
        return None
    if not isinstance(header, dict) or header.get("DataType") != "String":
        raise malformed("AWSTraceHeader must be a message attribute of type String.")
    return required_text(header, "StringValue")
