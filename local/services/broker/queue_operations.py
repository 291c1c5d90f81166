"""The operations on queues: create, find, list, configure, empty, move dead letters."""

from local.services.broker.params import Params, integer, required_text, text, text_map, texts
from local.services.broker.registry import Entry, MoveTask, Registry, arn_of
from local.services.broker.request import Operation, Request, entry_of, url_of
from local.services.broker.settings import SETTABLE, unknown_attribute

_COMPUTED = {
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
}


def _create_queue(registry: Registry, request: Request) -> Params:
    name = required_text(request.params, "QueueName")
    registry.create(name, text_map(request.params, "Attributes"), request.now)
    return {"QueueUrl": url_of(name, request)}


def _get_queue_url(registry: Registry, request: Request) -> Params:
    entry = registry.named(required_text(request.params, "QueueName"))
    return {"QueueUrl": url_of(entry.queue.name, request)}


def _list_queues(registry: Registry, request: Request) -> Params:
    prefix = text(request.params, "QueueNamePrefix") or ""
    names = sorted(e.queue.name for e in registry if e.queue.name.startswith(prefix))
    return _page("QueueUrls", names, request)


def _list_dead_letter_source_queues(registry: Registry, request: Request) -> Params:
    names = sorted(registry.sources_of(entry_of(registry, request).queue.name))
    return {"queueUrls": [], **_page("queueUrls", names, request)}


def _delete_queue(registry: Registry, request: Request) -> Params:
    registry.delete(entry_of(registry, request).queue.name)
    return {}


def _purge_queue(registry: Registry, request: Request) -> Params:
    registry.purge(entry_of(registry, request), request.now)
    return {}


def _set_queue_attributes(registry: Registry, request: Request) -> Params:
    entry = entry_of(registry, request)
    registry.update(entry, text_map(request.params, "Attributes"), request.now)
    return {}


def _get_queue_attributes(registry: Registry, request: Request) -> Params:
    entry = entry_of(registry, request)
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


def _page(key: str, names: list[str], request: Request) -> Params:
    """Names after the token, as URLs. Without MaxResults AWS gives up to 1,000 and no token."""
    limit = integer(request.params, "MaxResults", 1, 1000)
    after = text(request.params, "NextToken") or ""
    names = [name for name in names if name > after]
    shown = names[: limit or 1000]
    page: Params = {key: [url_of(name, request) for name in shown]} if shown else {}
    if limit and len(names) > limit:
        page["NextToken"] = shown[-1]
    return page


OPERATIONS: dict[str, Operation] = {
    "CreateQueue": _create_queue,
    "DeleteQueue": _delete_queue,
    "GetQueueAttributes": _get_queue_attributes,
    "GetQueueUrl": _get_queue_url,
    "ListDeadLetterSourceQueues": _list_dead_letter_source_queues,
    "ListMessageMoveTasks": _list_message_move_tasks,
    "ListQueues": _list_queues,
    "PurgeQueue": _purge_queue,
    "SetQueueAttributes": _set_queue_attributes,
    "StartMessageMoveTask": _start_message_move_task,
}
