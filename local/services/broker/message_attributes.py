"""Message attributes: what AWS accepts, their size, and the MD5 clients verify."""

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from local.services.broker.errors import invalid, invalid_value, malformed

Attributes = dict[str, dict[str, Any]]

_MAX_ATTRIBUTES = 10
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_RESERVED = re.compile(r"(aws|amazon)\.", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ALLOWED_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def is_allowed_text(text: str) -> bool:
    """Whether every character is one that SQS transports (XML 1.0's characters)."""
    return _ALLOWED_TEXT.fullmatch(text) is not None


def checked(attributes: dict[str, Any]) -> Attributes | None:
    """The attributes as they will be returned, or None if there are none.

    Raises InvalidParameterValue with AWS's messages.
    """
    if len(attributes) > _MAX_ATTRIBUTES:
        raise invalid(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{_MAX_ATTRIBUTES}]."
        )
    return {name: _checked(name, value) for name, value in attributes.items()} or None


def size(attributes: dict[str, Any]) -> int:
    """Bytes that count towards the message size, also of unchecked input: names, types, values."""
    total = 0
    for name, value in attributes.items():
        total += len(name.encode())
        if isinstance(value, dict):
            total += len(str(value.get("DataType", "")).encode())
            total += len(str(value.get("StringValue", "")).encode())
            total += len(str(value.get("BinaryValue", ""))) * 3 // 4
    return total


def md5(attributes: Attributes) -> str:
    """AWS's digest: for each name in order, the length-prefixed name, type and value."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        _feed(digest, name.encode())
        _feed(digest, value["DataType"].encode())
        # The byte tells the transport: 1 for text, 2 for binary.
        digest.update(b"\x02" if "BinaryValue" in value else b"\x01")
        _feed(digest, _value(value))
    return digest.hexdigest()


def selected(attributes: Attributes, wanted: Iterable[str]) -> Attributes:
    """What MessageAttributeNames asks for: names, `prefix.*`, `.*` or `All`."""
    names = set(wanted)
    if names & {"All", ".*"}:
        return attributes
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {
        name: value
        for name, value in attributes.items()
        if name in names or (prefixes and name.startswith(prefixes))
    }


def _checked(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise malformed(f"Message attribute {name} must be an object.")
    if len(name) > 256 or not _NAME.fullmatch(name) or _RESERVED.match(name):
        raise invalid_value("MessageAttributeName", name, "It is not a valid attribute name.")
    data_type = value.get("DataType")
    if not isinstance(data_type, str) or not data_type:
        raise invalid(f"The message attribute '{name}' must contain a non-empty attribute type.")
    kind = data_type.split(".", 1)[0]
    if kind not in ("String", "Number", "Binary") or len(data_type) > 256:
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    field = "BinaryValue" if kind == "Binary" else "StringValue"
    content = value.get(field)
    if not isinstance(content, str) or not content:
        raise invalid(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        )
    _check_content(name, kind, content)
    return {"DataType": data_type, field: content}


def _check_content(name: str, kind: str, content: str) -> None:
    if kind == "Binary":
        try:
            b64decode(content, validate=True)
        except binascii.Error:
            raise malformed(f"Message attribute {name} is not valid base64.") from None
    elif not is_allowed_text(content):
        raise invalid_value(name, content, "Invalid characters found.")
    elif kind == "Number" and not _NUMBER.fullmatch(content):
        raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _value(value: dict[str, Any]) -> bytes:
    if "BinaryValue" in value:
        return b64decode(value["BinaryValue"])
    text: str = value["StringValue"]
    return text.encode()


def _feed(digest: Any, data: bytes) -> None:
    digest.update(len(data).to_bytes(4, "big"))
    digest.update(data)
