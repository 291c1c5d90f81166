"""The SQS operations that answer at once: request parameters in, response object out.

ReceiveMessage may wait and therefore lives in polling.py. Unknown operations raise
UnknownOperationException.
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.services.broker import sending
from local.services.broker.errors import SqsError
from local.services.broker.message import Message
from local.services.broker.params import (
    Params,
    entries,
    integer,
    required_integer,
    required_text,
    text,
    text_map,
    texts,
)
from local.services.broker.queue import Queue
from local.services.broker.registry import ACCOUNT, Entry, MoveTask, Registry, arn_of
from local.services.broker.settings import SETTABLE, unknown_attribute

_COMPUTED = {
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call: its parameters, the time in seconds since the epoch, and the Host header."""

    params: Params
    now: float
    host: str


Operation = Callable[[Registry, Request], Params]


def perform(operation: str, registry: Registry, request: Request) -> Params:
    """Run an operation by its AWS name. Raises SqsError for everything a client can do wrong."""
    found = _OPERATIONS.get(operation)
    if found is None:
        raise SqsError("UnknownOperationException", f"The operation {operation} is not known.")
    return found(registry, request)


# -- queues ---------------------------------------------------------------------------------------


def _create_queue(registry: Registry, request: Request) -> Params:
    name = required_text(request.params, "QueueName")
    registry.create(name, text_map(request.params, "Attributes"), request.now)
    return {"QueueUrl": _url(name, request)}


def _get_queue_url(registry: Registry, request: Request) -> Params:
    entry = registry.named(required_text(request.params, "QueueName"))
    return {"QueueUrl": _url(entry.queue.name, request)}


def _list_queues(registry: Registry, request: Request) -> Params:
    prefix = text(request.params, "QueueNamePrefix") or ""
    names = sorted(e.queue.name for e in registry if e.queue.name.startswith(prefix))
    return _page("QueueUrls", names, request)


def _list_dead_letter_source_queues(registry: Registry, request: Request) -> Params:
    names = sorted(registry.sources_of(_entry(registry, request).queue.name))
    return {"queueUrls": [], **_page("queueUrls", names, request)}


def _delete_queue(registry: Registry, request: Request) -> Params:
    registry.delete(_entry(registry, request).queue.name)
    return {}


def _purge_queue(registry: Registry, request: Request) -> Params:
    registry.purge(_entry(registry, request), request.now)
    return {}


def _set_queue_attributes(registry: Registry, request: Request) -> Params:
    entry = _entry(registry, request)
    registry.update(entry, text_map(request.params, "Attributes"), request.now)
    return {}


def _get_queue_attributes(registry: Registry, request: Request) -> Params:
    entry = _entry(registry, request)
    wanted = set(texts(request.params, "AttributeNames"))
    for name in sorted(wanted - SETTABLE - _COMPUTED - {"All"}):
        raise unknown_attribute(name)
    attributes = _attributes(entry, request.now) if wanted else {}
    if "All" not in wanted:
        attributes = {name: value for name, value in attributes.items() if name in wanted}
    return {"Attributes": attributes} if attributes else {}


def _attributes(entry: Entry, now: float) -> dict[str, str]:
    counts = entry.queue.counts(now)
    return {
        **entry.queue.settings.texts,
        "ApproximateNumberOfMessages": str(counts.ready),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
        "CreatedTimestamp": str(int(entry.created_at)),
        "LastModifiedTimestamp": str(int(entry.modified_at)),
        "QueueArn": arn_of(entry.queue.name),
    }


# -- messages -------------------------------------------------------------------------------------


def _send_message(registry: Registry, request: Request) -> Params:
    queue = _entry(registry, request).queue
    sending.check_fifo(request.params, queue)
    return _send(queue, request.params, request.now)


def _send_message_batch(registry: Registry, request: Request) -> Params:
    queue = _entry(registry, request).queue
    batch = entries(request.params)
    sending.check_batch(batch, queue)
    return _each(batch, lambda entry: _send(queue, entry, request.now))


def _delete_message(registry: Registry, request: Request) -> Params:
    return _delete(_entry(registry, request).queue, request.params, request.now)


def _delete_message_batch(registry: Registry, request: Request) -> Params:
    queue = _entry(registry, request).queue
    return _each(entries(request.params), lambda entry: _delete(queue, entry, request.now))


def _change_message_visibility(registry: Registry, request: Request) -> Params:
    return _change_visibility(_entry(registry, request).queue, request.params, request.now)


def _change_message_visibility_batch(registry: Registry, request: Request) -> Params:
    queue = _entry(registry, request).queue
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


# -- message move tasks ---------------------------------------------------------------------------


def _start_message_move_task(registry: Registry, request: Request) -> Params:
    source = required_text(request.params, "SourceArn")
    destination = text(request.params, "DestinationArn")
    rate = integer(request.params, "MaxNumberOfMessagesPerSecond", 1, 500)
    return {"TaskHandle": registry.start_move(source, destination, rate, request.now)}


def _list_message_move_tasks(registry: Registry, request: Request) -> Params:
    limit = integer(request.params, "MaxResults", 1, 10) or 1
    tasks = registry.moves_of(required_text(request.params, "SourceArn"))
    return {"Results": [_task(task) for task in tasks[:limit]]}


def _task(task: MoveTask) -> Params:
    shown = {
        "Status": "COMPLETED",
        "SourceArn": task.source_arn,
        "DestinationArn": task.destination_arn,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.moved,
        "StartedTimestamp": int(task.started_at * 1000),
    }
    return {name: value for name, value in shown.items() if value is not None}


# -- shared ---------------------------------------------------------------------------------------


def _entry(registry: Registry, request: Request) -> Entry:
    return registry.at(required_text(request.params, "QueueUrl"))


def _url(name: str, request: Request) -> str:
    return f"http://{request.host}/{ACCOUNT}/{name}"


def _page(key: str, names: list[str], request: Request) -> Params:
    """Names after the token, as URLs. Without MaxResults AWS gives up to 1,000 and no token."""
    limit = integer(request.params, "MaxResults", 1, 1000)
    after = text(request.params, "NextToken") or ""
    names = [name for name in names if name > after]
    shown = names[: limit or 1000]
    page: Params = {key: [_url(name, request) for name in shown]} if shown else {}
    if limit and len(names) > limit:
        page["NextToken"] = shown[-1]
    return page


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


_OPERATIONS: dict[str, Operation] = {
    "ChangeMessageVisibility": _change_message_visibility,
    "ChangeMessageVisibilityBatch": _change_message_visibility_batch,
    "CreateQueue": _create_queue,
    "DeleteMessage": _delete_message,
    "DeleteMessageBatch": _delete_message_batch,
    "DeleteQueue": _delete_queue,
    "GetQueueAttributes": _get_queue_attributes,
    "GetQueueUrl": _get_queue_url,
    "ListDeadLetterSourceQueues": _list_dead_letter_source_queues,
    "ListMessageMoveTasks": _list_message_move_tasks,
    "ListQueues": _list_queues,
    "PurgeQueue": _purge_queue,
    "SendMessage": _send_message,
    "SendMessageBatch": _send_message_batch,
    "SetQueueAttributes": _set_queue_attributes,
    "StartMessageMoveTask": _start_message_move_task,
}
