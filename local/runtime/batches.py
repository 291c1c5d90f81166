"""What a function's answer to an SQS batch means: which messages are done and may be deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from local.runtime.invoker import Result

Message = Mapping[str, Any]


class MalformedFailuresError(ValueError):
    """The failure list cannot be trusted, so the whole batch counts as failed."""


def finished(
    messages: Sequence[Message], result: Result, *, report_failures: bool
) -> Sequence[Message]:
    """The messages to delete; the others come back after their visibility timeout.

    Rules (Lambda guide, "Implementing partial batch responses"): an error fails all; without
    ReportBatchItemFailures any answer is success; an empty or absent list is success. Raises
    MalformedFailuresError for any other kind of list.
    """
    if result.error is not None:
        return []
    if not report_failures:
        return messages
    failed = _failed_ids(result.payload)
    if unknown := failed - {message["MessageId"] for message in messages}:
        raise MalformedFailuresError(
            f"itemIdentifier not in the batch: {', '.join(sorted(unknown))}"
        )
    return [message for message in messages if message["MessageId"] not in failed]


def _failed_ids(payload: Any) -> set[str]:
    if payload is None:
        return set()
    if not isinstance(payload, dict):
        raise MalformedFailuresError(f"answer is {type(payload).__name__}, not an object")
    failures = payload.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        raise MalformedFailuresError("batchItemFailures is not a list")
    return {_item_identifier(failure) for failure in failures}


def _item_identifier(failure: Any) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    if not isinstance(identifier, str) or not identifier:
        raise MalformedFailuresError(f"no itemIdentifier in {failure!r}")
    return identifier
