"""One call to the broker, and what most operations ask of it."""

from collections.abc import Callable
from dataclasses import dataclass

from local.services.broker.params import Params, required_text
from local.services.broker.registry import ACCOUNT, Entry, Registry


@dataclass(frozen=True, slots=True)
class Request:
    """One call: its parameters, the time in seconds since the epoch, and the Host header."""

    params: Params
    now: float
    host: str


Operation = Callable[[Registry, Request], Params]


def entry_of(registry: Registry, request: Request) -> Entry:
    """The queue that the parameter QueueUrl names. Raises QueueDoesNotExist."""
    return registry.at(required_text(request.params, "QueueUrl"))


def url_of(name: str, request: Request) -> str:
    """A queue's URL; it follows the host by which the client reached the broker."""
    return f"http://{request.host}/{ACCOUNT}/{name}"
