"""The operations on messages that answer at once: send, delete, change visibility, one or many."""

from collections.abc import Callable

from local.services.broker import sending
from local.services.broker.errors import SqsError
from local.services.broker.message import Message
from local.services.broker.params import Params, entries, required_integer, required_text
from local.services.broker.queue import Queue
from local.services.broker.registry import Registry
from local.services.broker.request import Operation, Request, entry_of


def _send_message(registry: Registry, request: Request) -> Params:
    queue = entry_of(registry, request).queue
    sending.check_fifo(request.params, queue)
    return _send(queue, request.params, request.now)


def _send_message_batch(registry: Registry, request: Request) -> Params:
    queue = entry_of(registry, request).queue
    batch = entries(request.params)
    sending.check_batch(batch, queue)
    return _each(batch, lambda entry: _send(queue, entry, request.now))


def _delete_message(registry: Registry, request: Request) -> Params:
    return _delete(entry_of(registry, request).queue, request.params, request.now)


def _delete_message_batch(registry: Registry, request: Request) -> Params:
    queue = entry_of(registry, request).queue
    return _each(entries(request.params), lambda entry: _delete(queue, entry, request.now))


def _change_message_visibility(registry: Registry, request: Request) -> Params:
    return _change_visibility(entry_of(registry, request).queue, request.params, request.now)


def _change_message_visibility_batch(registry: Registry, request: Request) -> Params:
    queue = entry_of(registry, request).queue
    batch = entries(request.params)
    return _each(batch, lambda entry: _change_visibility(queue, entry, request.now))


def _send(queue: Queue, params: Params, now: float) -> Params:
    delay = sending.delay_of(params, queue)
    message = sending.message_from(params, queue, now)
    message_id, sequence = queue.send(message, delay, now)
    return _sent(message, message_id, sequence)


def _sent(message: Message, message_id: str, sequence: int) -> Params:
    answer = {"MessageId": message_id, "MD5OfMessageBody": message.body_md5}
    if message.attributes_md5 is not None:
        answer["MD5OfMessageAttributes"] = message.attributes_md5
    if message.trace_header is not None:
        answer["MD5OfMessageSystemAttributes"] = sending.trace_header_md5(message.trace_header)
    if sequence:
        answer["SequenceNumber"] = sequence_number(sequence)
    return answer


def sequence_number(sequence: int) -> str:
    """AWS's sequence numbers have 20 digits."""
    return f"{sequence:020d}"


def _delete(queue: Queue, params: Params, now: float) -> Params:
    queue.delete(required_text(params, "ReceiptHandle"), now)
    return {}


def _change_visibility(queue: Queue, params: Params, now: float) -> Params:
    handle = required_text(params, "ReceiptHandle")
    seconds = required_integer(params, "VisibilityTimeout", 0, 43_200)
    queue.change_visibility(handle, seconds, now)
    return {}


def _each(batch: list[Params], act: Callable[[Params], Params]) -> Params:
    """Apply `act` to every entry; a refused one fails alone."""
    successful: list[Params] = []
    failed: list[Params] = []
    for entry in batch:
        try:
            successful.append({"Id": entry["Id"], **act(entry)})
        except SqsError as error:
            failed.append(
                {
                    "Id": entry["Id"],
                    "SenderFault": True,
                    "Code": error.query_code,
                    "Message": error.message,
                }
            )
    answer: Params = {}
    if successful:
        answer["Successful"] = successful
    if failed:
        answer["Failed"] = failed
    return answer


OPERATIONS: dict[str, Operation] = {
    "ChangeMessageVisibility": _change_message_visibility,
    "ChangeMessageVisibilityBatch": _change_message_visibility_batch,
    "DeleteMessage": _delete_message,
    "DeleteMessageBatch": _delete_message_batch,
    "SendMessage": _send_message,
    "SendMessageBatch": _send_message_batch,
}
