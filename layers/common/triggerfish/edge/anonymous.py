"""Requests that need no key are counted by the address they come from."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Protocol

from fastapi import Request

_IPV6_CUSTOMER = 64  # bits: the smallest network that one customer of a provider has


class Rates(Protocol):
    def take(self, id: str) -> None:
        """Count a request from there. Raises TooManyRequests."""
        ...


@dataclass(frozen=True)
class Limited:
    """A FastAPI dependency: refuses who asks too often. Raises TooManyRequests."""

    rates: Callable[[], Rates]

    async def __call__(self, request: Request) -> None:
        self.rates().take(source_of(request))


def source_of(request: Request) -> str:
    """Where a request without a key comes from, as far as limits count."""
    return network_of(request.client.host if request.client else "")


def network_of(host: str) -> str:
    """Whom an address stands for: itself, or its network where a customer has a whole one."""
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket, a test
        return host
    if address.version == 4:
        return host
    return str(ip_network((address, _IPV6_CUSTOMER), strict=False))
