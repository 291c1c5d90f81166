"""Which addresses a delivery may connect to: three tiers, judged by the address, never by a name.

1. never: metadata services, link-local, unspecified, multicast, reserved; no setting opens them;
2. private: loopback, RFC 1918, carrier NAT, ULA and the other special-purpose blocks of the IANA
   registries; closed unless an operator lists them;
3. public: open.

Ports of other protocols are closed everywhere.

`ipaddress.is_global` is no such filter: it calls NAT64, 6to4, `::127.0.0.1` and Azure's wire
server global. Hence explicit lists.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from triggerfish.domain.errors import FieldError, InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


NEVER = _networks(
    "0.0.0.0/8",  # "this host": Linux connects 0.0.0.0 to loopback
    "100.100.100.200/32",  # Alibaba Cloud metadata
    "168.63.129.16/32",  # Azure wire server, a public address
    "169.254.0.0/16",  # link-local: AWS, GCP, Azure metadata, ECS credentials
    "192.0.0.192/32",  # Oracle Cloud metadata
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
    "::/128",
    "fd00:ec2::/32",  # AWS metadata (::254), DNS and time over IPv6
    "fd20:ce::254/128",  # GCP metadata over IPv6
    "fe80::/10",  # link-local
    "ff00::/8",  # multicast
)

PRIVATE = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier NAT
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",  # IETF protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relay anycast
    "192.168.0.0/16",
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "2001::/23",  # IETF protocol assignments, Teredo, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)

# Where something else than HTTP listens, which might take a POST for commands: the blocked ports of
# the WHATWG Fetch standard.
OTHER_PROTOCOLS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389,
    427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
    989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665,
    6666, 6667, 6668, 6669, 6679, 6697, 10080,
))  # fmt: skip

NEVER_OPEN = "The endpoint's address is never open to deliveries."
PRIVATE_CLOSED = (
    "The endpoint's address is private and not open to deliveries; the platform's operator opens "
    "private networks by TRIGGERFISH_EGRESS_ALLOW."
)
DEFAULT_PORTS = {"http": 80, "https": 443}

PUBLIC_IPV6 = IPv6Network("2000::/3")  # the only block of global unicast handed out so far
NAT64 = IPv6Network("64:ff9b::/96")
NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
IPV4_COMPATIBLE = IPv6Network("::/96")
LOOPBACK_IPV6 = IPv6Address("::1")


@dataclass(frozen=True)
class EgressPolicy:
    """What this installation may connect to.

    `allow` opens private networks. `closed_ports` stay shut on what `allow` opened: the ports of
    the platform's own services, so that an opened loopback is no way into its own queue.
    """

    allow: tuple[Network, ...] = ()
    closed_ports: frozenset[int] = frozenset()

    def permits(self, address: str, port: int) -> bool:
        """Whether a delivery may connect there."""
        return self.refusal(address, port) is None

    def refusal(self, address: str, port: int) -> str | None:
        """Why a delivery may not connect there and what would open it, for customers to read.

        What cannot be read as an address is refused. A scope id (`fe80::1%eth0`) only ever selects
        a local interface, so it is refused too.
        """
        ip = parse_destination(address)
        if ip is None or not 1 <= port <= 65535:
            return NEVER_OPEN
        if port in OTHER_PROTOCOLS:
            return f"Port {port} belongs to another protocol and is never open to deliveries."
        inner = _embedded(ip)
        if _within(ip, NEVER) or (inner is not None and _within(inner, NEVER)):
            return NEVER_OPEN
        if _is_public(ip, inner):
            return None
        if not _within(ip, self.allow):
            return PRIVATE_CLOSED
        return NEVER_OPEN if port in self.closed_ports else None

    def refusal_of_url(self, url: str) -> str | None:
        """The same for a checked URL whose host is an address; of names only a look-up can tell."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parse_destination(host) is None:
            return None
        return self.refusal(host, parts.port or DEFAULT_PORTS[parts.scheme])


def refuse_unreachable(url: str, policy: EgressPolicy) -> None:
    """Refuse an endpoint that no delivery can ever reach. Raises InvalidInput (`endpoint.url`)."""
    reason = policy.refusal_of_url(url)
    if reason:
        raise InvalidInput("The trigger is not valid.", (FieldError("endpoint.url", reason),))


def parse_destination(address: str) -> Address | None:
    """The address that the kernel would connect to; None for what is not a plain address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    return None if "%" in address else _same_destination(ip)


def parse_egress_allow(text: str, closed_ports: frozenset[int] = frozenset()) -> EgressPolicy:
    """Read `127.0.0.0/8,::1/128` (commas, white space ignored, a bare address is one host).

    Raises `InvalidInput` (field `egress_allow`) naming what is not a network. Empty opens nothing.
    """
    parts = [part.strip() for part in text.split(",")]
    return EgressPolicy(tuple(_parse_network(part) for part in parts if part), closed_ports)


def _parse_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        message = f"{text!r} is not a network such as 10.0.0.0/8"
        raise InvalidInput(message, (FieldError("egress_allow", message),)) from error


def _same_destination(ip: Address) -> Address:
    """An IPv4-mapped address (`::ffff:a.b.c.d`) is IPv4 to the kernel: judge it as such."""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def _embedded(ip: Address) -> IPv4Address | None:
    """The IPv4 address that a transition form carries (NAT64, 6to4, Teredo, IPv4-compatible)."""
    if isinstance(ip, IPv4Address) or ip == LOOPBACK_IPV6:
        return None
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip.sixtofour is not None:
        return ip.sixtofour
    if any(ip in block for block in (NAT64, NAT64_LOCAL, IPV4_COMPATIBLE)):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def _is_public(ip: Address, inner: IPv4Address | None) -> bool:
    """On a DNS64 network every IPv4 host resolves into NAT64, so that one form is unwrapped."""
    if inner is not None:
        return ip in NAT64 and not _within(inner, PRIVATE)
    if isinstance(ip, IPv6Address) and ip not in PUBLIC_IPV6:
        return False
    return not _within(ip, PRIVATE)


def _within(ip: Address, networks: tuple[Network, ...]) -> bool:
    return any(ip in network for network in networks)  # another IP version is never "in"
