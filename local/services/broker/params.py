"""Typed reading of request parameters as AWS does it: no coercion, unknown names are ignored."""

import re
from typing import Any

from local.services.broker.errors import SqsError, invalid_value, malformed, missing

Params = dict[str, Any]
MAX_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def text(params: Params, name: str) -> str | None:
    value = params.get(name)
    if value is None or isinstance(value, str):
        return value
    raise malformed(f"{name} must be a string.")


def required_text(params: Params, name: str) -> str:
    """A non-empty string; AWS takes an empty one for a missing one."""
    value = text(params, name)
    if not value:
        raise missing(name)
    return value


def integer(params: Params, name: str, low: int, high: int) -> int | None:
    """A JSON integer in low..high, or None when absent."""
    value = params.get(name)
    if value is None:
        return None
    if type(value) is not int:  # a bool is an int in Python, not in JSON
        raise malformed(f"{name} must be an integer.")
    if not low <= value <= high:
        raise invalid_value(name, value, f"Must be between {low} and {high}, if provided.")
    return value


def required_integer(params: Params, name: str, low: int, high: int) -> int:
    value = integer(params, name, low, high)
    if value is None:
        raise missing(name)
    return value


def texts(params: Params, name: str) -> list[str]:
    """A list of strings, empty when absent."""
    value = params.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise malformed(f"{name} must be a list of strings.")
    return value


def text_map(params: Params, name: str) -> dict[str, str]:
    """An object of strings, empty when absent."""
    value = object_map(params, name)
    if not all(isinstance(item, str) for item in value.values()):
        raise malformed(f"{name} must map strings to strings.")
    return value


def object_map(params: Params, name: str) -> dict[str, Any]:
    value = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(f"{name} must be an object.")
    return value


def entries(params: Params) -> list[Params]:
    """The entries of a batch: 1 to 10 objects with distinct, well-formed ids."""
    value = params.get("Entries") or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise malformed("Entries must be a list of objects.")
    if not value:
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(value) > MAX_ENTRIES:
        raise SqsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(value)}.",
        )
    _check_ids([text(entry, "Id") or "" for entry in value])
    return value


def _check_ids(ids: list[str]) -> None:
    if not all(_ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
        raise SqsError(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
            "It can be at most 80 letters long.",
        )
    for entry_id in ids:
        if ids.count(entry_id) > 1:
            raise SqsError("BatchEntryIdsNotDistinct", f"Id {entry_id} repeated.")
