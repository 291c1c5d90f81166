"""Where a POST goes, read from its URL once: endpoints repeat, and reading costs more than sending.

The path and the query are sent byte for byte as they stand in the URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata

from triggerfish.domain.endpoint import split_url

# RFC 9110, 5.1 and 5.5: what cannot end a header or the whole head before its time.
HEADERS = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\r\n\0]*\r\n)*")
DEFAULT_PORTS = {"http": 80, "https": 443}


class Unsendable(ValueError):
    """A URL or a header that no request can carry."""


@dataclass(frozen=True, slots=True)
class Origin:
    tls: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    """An origin, and the head of every POST there up to the headers of its own."""

    origin: Origin
    head: str


def user_agent() -> str:
    """`Triggerfish/<version>` of the installed package."""
    try:
        return f"Triggerfish/{metadata.version('triggerfish')}"
    except metadata.PackageNotFoundError:  # a layer unpacked without its metadata
        return "Triggerfish/0"


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target:
    """Raises Unsendable."""
    try:
        scheme, host, port, path = split_url(url)
    except ValueError as error:
        raise Unsendable from error
    default = DEFAULT_PORTS[scheme]
    named = host if port in (None, default) else f"{host}:{port}"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {named}\r\n"
        f"User-Agent: {user_agent()}\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: identity\r\n"  # the excerpt is kept as it came
    )
    return Target(Origin(scheme == "https", host.strip("[]"), port or default), head)


def request_bytes(
    target: Target, headers: Mapping[str, str], body: bytes, *, keep_alive: bool
) -> bytes:
    """The whole request. Raises Unsendable for a header that would break out of its line."""
    own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if own.count("\n") != len(headers) or not HEADERS.fullmatch(own):
        raise Unsendable
    accept = "" if any(name.lower() == "accept" for name in headers) else "Accept: */*\r\n"
    connection = "" if keep_alive else "Connection: close\r\n"
    head = f"{target.head}{accept}{own}{connection}Content-Length: {len(body)}\r\n\r\n"
    try:
        return head.encode("ascii") + body
    except UnicodeEncodeError as error:
        raise Unsendable from error
