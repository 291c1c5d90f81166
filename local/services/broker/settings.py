"""Queue attributes: which exist, what they may hold, and the values a queue acts on.

Ranges and defaults: the SQS API reference, CreateQueue and SetQueueAttributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from local.services.broker.errors import SqsError, invalid_value

MAX_MESSAGE_BYTES = 1_048_576

_RANGES = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1_024, MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_CHOICES = {
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoQueue": ("true",),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "SqsManagedSseEnabled": ("true", "false"),
}
_FIFO_ONLY = {
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
}
_FREE_TEXT = {"KmsMasterKeyId", "Policy", "RedriveAllowPolicy"}
SETTABLE = {*_RANGES, *_CHOICES, *_FREE_TEXT, "RedrivePolicy"}

_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": str(MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
_FIFO_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoQueue": "true",
    "FifoThroughputLimit": "perQueue",
}


@dataclass(frozen=True, slots=True)
class Redrive:
    """Give a message up to queue `target` after `max_receives` receives."""

    target: str
    max_receives: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked queue attributes; durations in seconds. `texts`: what GetQueueAttributes returns."""

    texts: Mapping[str, str]
    fifo: bool
    visibility: int
    delay: int
    retention: int
    wait: int
    max_bytes: int
    content_dedup: bool
    dedup_by_group: bool
    redrive: Redrive | None


def settings_from(texts: Mapping[str, str], fifo: bool) -> Settings:
    """Check attribute strings, add the defaults and parse them. An empty value removes one.

    Raises InvalidAttributeName, InvalidAttributeValue; InvalidParameterValue for a redrive policy.
    """
    for name, text in texts.items():
        _check(name, text, fifo)
    given = {name: text for name, text in texts.items() if text != ""}
    full = {**_DEFAULTS, **(_FIFO_DEFAULTS if fifo else {}), **given}
    return Settings(
        texts=full,
        fifo=fifo,
        visibility=int(full["VisibilityTimeout"]),
        delay=int(full["DelaySeconds"]),
        retention=int(full["MessageRetentionPeriod"]),
        wait=int(full["ReceiveMessageWaitTimeSeconds"]),
        max_bytes=int(full["MaximumMessageSize"]),
        content_dedup=full.get("ContentBasedDeduplication") == "true",
        dedup_by_group=full.get("DeduplicationScope") == "messageGroup",
        redrive=_redrive(full["RedrivePolicy"]) if "RedrivePolicy" in full else None,
    )


def unknown_attribute(name: str) -> SqsError:
    return SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def queue_name_of(arn: str) -> str | None:
    """The queue an ARN names, or None if it is not the ARN of a queue."""
    parts = arn.split(":")
    return parts[5] if len(parts) == 6 and parts[0] == "arn" and parts[2] == "sqs" else None


def _check(name: str, text: str, fifo: bool) -> None:
    if name not in SETTABLE or (name in _FIFO_ONLY and not fifo):
        raise unknown_attribute(name)
    if name in _RANGES and not _in_range(text, *_RANGES[name]):
        raise _invalid_attribute(name)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise _invalid_attribute(name)


def _in_range(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdecimal() and low <= int(text) <= high


def _invalid_attribute(name: str) -> SqsError:
    return SqsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def _redrive(text: str) -> Redrive:
    def refuse(reason: str) -> SqsError:
        return invalid_value("RedrivePolicy", text, reason)

    try:
        policy: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise refuse("It is not valid JSON.") from None
    if not isinstance(policy, dict) or not {"deadLetterTargetArn", "maxReceiveCount"} <= set(
        policy
    ):
        raise refuse("Redrive policy must contain deadLetterTargetArn and maxReceiveCount.")
    target = queue_name_of(str(policy["deadLetterTargetArn"]))
    if target is None:
        raise refuse("Invalid value for deadLetterTargetArn.")
    count = str(policy["maxReceiveCount"])
    if not _in_range(count, 1, 1000):
        raise refuse(
            f"Invalid value for maxReceiveCount: {count}, "
            "valid values are from 1 to 1000 both inclusive."
        )
    return Redrive(target, int(count))
