"""What cases do again and again: refusals, entries of a batch, long polls, dead letters."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sqs.backends import Sqs

MIB = 1_048_576


def code_of(refusal: ClientError) -> str:
    """The name of the modeled exception; for errors that have none, the query protocol's code."""
    error = refusal.response["Error"]
    modeled = str(error.get("QueryErrorCode", error["Code"]))
    return error["Code"] if modeled.endswith("Exception") else modeled


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ClientError) as refusal:
        yield
    assert code_of(refusal.value) == code


def accepted(act: Callable[[Any], object], values: list[Any]) -> list[Any]:
    """The values that `act` does not refuse as an invalid parameter or attribute."""
    wrongly = []
    for value in values:
        try:
            act(value)
        except ClientError as error:
            if not code_of(error).startswith("Invalid"):
                raise
        else:
            wrongly.append(value)
    return wrongly


def seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def entry(number: int, body: str = "x", **params: object) -> dict[str, object]:
    return {"Id": str(number), "MessageBody": body, **params}


def redrive_to(sqs: Sqs, dead: str, count: object) -> str:
    arn = sqs.attributes(dead)["QueueArn"]
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def give_up(sqs: Sqs, url: str) -> None:
    """Receive the queue's only message once and let the next receive give it up."""
    [message] = sqs.receive(url)
    sqs.hide(url, message, 0)
    assert sqs.receive(url) == []


@contextmanager
def polling(sqs: Sqs, url: str) -> Iterator[list[str]]:
    """A long poll in the background; its bodies are in the list when the block has ended."""
    received: list[str] = []
    poll = threading.Thread(target=lambda: received.extend(sqs.bodies(url, limit=1, wait=10)))
    poll.start()
    yield received
    poll.join(timeout=15)
    assert not poll.is_alive()
