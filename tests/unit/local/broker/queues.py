"""Queues of the broker and their messages, with time as a value."""

from itertools import count

from local.services.broker.message import Message
from local.services.broker.queue import Queue
from local.services.broker.settings import settings_from

T0 = 1_000_000.0
_ids = count()


def queue(**attributes: object) -> Queue:
    fifo = "FifoQueue" in attributes
    texts = {name: str(value) for name, value in attributes.items()}
    return Queue("q.fifo" if fifo else "q", "tag", settings_from(texts, fifo))


def fifo(**attributes: object) -> Queue:
    return queue(FifoQueue="true", **attributes)


def message(body: str = "x", at: float = T0, **fields: str) -> Message:
    return Message(id=f"m{next(_ids)}", body=body, body_md5="", sent_at=at, **fields)  # type: ignore[arg-type]


def send(q: Queue, body: str = "x", delay: int | None = None, at: float = T0) -> Message:
    sent = message(body, at)
    q.send(sent, delay, at)
    return sent


def send_to(q: Queue, group: str, body: str, at: float = T0) -> Message:
    sent = message(body, at, group=group, dedup_id=f"{group}{body}")
    q.send(sent, None, at)
    return sent


def bodies(q: Queue, at: float, limit: int = 10, visibility: int | None = None) -> list[str]:
    return [m.body for m in q.receive(limit, at, visibility).messages]


def handle(q: Queue, at: float, limit: int = 1, visibility: int | None = None) -> str:
    [taken] = q.receive(limit, at, visibility).messages
    return q.receipt_handle(taken)
