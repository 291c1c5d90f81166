"""The authority of an http URL: a host that means one thing to every parser, and a port."""

import re
from ipaddress import IPv4Address, IPv6Address

import idna

MAX_HOST_LENGTH = 253
# Underscores are no host names by RFC 1123, but compose services and internal DNS use them.
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


def parse_authority(netloc: str) -> str:
    """`host` or `host:port`, lower case and ASCII. Raises ValueError with a customer's message."""
    if "@" in netloc:
        raise ValueError("must not contain a user name or password")
    host, colon, port = split_port(netloc)
    if colon and not _is_port(port):
        raise ValueError("must have a port between 1 and 65535")
    return parse_host(host) + (f":{int(port)}" if colon else "")


def parse_host(host: str) -> str:
    """A host name in its ASCII form (IDNA 2008), a dotted IPv4 or a bracketed IPv6 address.

    Raises ValueError. `127.1`, `0x7f.1` and `2130706433` are refused: some parsers read them as
    addresses (WHATWG: a name whose last label is a number), others as names.
    """
    if host.startswith("["):
        return f"[{_ipv6(host)}]"
    name = host.lower() if host.isascii() else _to_ascii(host)
    labels = name.removesuffix(".").split(".")
    if NUMERIC_LABEL.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > MAX_HOST_LENGTH or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError("must have a valid host name")
    _check_punycode(labels)
    return name


def split_port(netloc: str) -> tuple[str, str, str]:
    """The host (an IPv6 address in its brackets), the colon if there is one, and the port."""
    if netloc.startswith("["):
        host, bracket, rest = netloc.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("must have a valid host name")
        return host + bracket, rest[:1], rest[1:]
    return netloc.partition(":")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535


def _ipv6(host: str) -> IPv6Address:
    if "%" in host:
        raise ValueError("must not have an address with a zone")
    try:
        return IPv6Address(host[1:-1])
    except ValueError as error:
        raise ValueError("must have a valid IPv6 address in its brackets") from error


def _ipv4(name: str) -> str:
    try:
        return str(IPv4Address(name))
    except ValueError as error:
        raise ValueError("must write an IPv4 address as four decimal numbers") from error


def _to_ascii(host: str) -> str:
    try:
        return idna.encode(host.lower()).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("must have a valid host name") from error


def _check_punycode(labels: list[str]) -> None:
    for label in labels:
        if label.startswith("xn--"):
            try:
                idna.ulabel(label)
            except (idna.IDNAError, UnicodeError) as error:
                raise ValueError("must have a valid host name") from error
