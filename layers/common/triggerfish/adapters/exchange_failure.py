"""From the exceptions of httpx, aiohttp and the socket layer to a `SendFailure`.

httpx-aiohttp maps nearly everything to `ConnectTimeout`, so the chain of causes decides. Messages
are for customers: they name no address and no library.
"""

import socket
import ssl
from collections.abc import Iterator

import aiohttp
import httpx
from aiohttp.http_exceptions import PayloadEncodingError

from triggerfish.adapters.guarded_transport import DestinationBlocked
from triggerfish.domain.exchange import FailureKind, SendFailure

Rule = tuple[FailureKind, str, tuple[type[BaseException], ...]]

BROKE_OFF = "The endpoint closed the connection before its answer was complete."

# The first rule that matches anything in the chain wins, so causes stand before effects.
RULES: tuple[Rule, ...] = (
    (
        FailureKind.DNS_ERROR,
        "The endpoint's host name could not be resolved.",
        (socket.gaierror, aiohttp.ClientConnectorDNSError),
    ),
    (
        FailureKind.TLS_ERROR,
        "No secure connection to the endpoint could be made.",
        (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError),
    ),
    (
        FailureKind.CONNECTION_REFUSED,
        "The endpoint refused the connection.",
        (ConnectionRefusedError,),
    ),
    (FailureKind.TIMEOUT, "The endpoint did not answer in time.", (TimeoutError,)),
    (
        FailureKind.CONNECTION_RESET,
        BROKE_OFF,
        (ConnectionError, aiohttp.ServerDisconnectedError, PayloadEncodingError),
    ),
    (
        FailureKind.CONNECTION_REFUSED,
        "The endpoint could not be reached.",
        (aiohttp.ClientConnectorError,),
    ),
    (FailureKind.CONNECTION_RESET, BROKE_OFF, (aiohttp.ClientOSError,)),
    (
        FailureKind.PROTOCOL_ERROR,
        "The endpoint's URL or headers cannot be sent.",
        (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError),
    ),
)


def failure_of(error: BaseException) -> SendFailure:
    """Classify by cause. What matches no rule was an answer that is not HTTP."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, DestinationBlocked):
            return SendFailure(FailureKind.DESTINATION_BLOCKED, cause.reason)
    for kind, message, types in RULES:
        if any(isinstance(cause, types) for cause in chain):
            return SendFailure(kind, message + _certificate_problem(chain))
    return SendFailure(FailureKind.PROTOCOL_ERROR, "The endpoint's answer was not valid HTTP.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _certificate_problem(chain: list[BaseException]) -> str:
    for cause in chain:
        # aiohttp's own certificate error has this base too, but not its attributes
        if type(cause) is ssl.SSLCertVerificationError:
            return f" Its certificate was not accepted: {cause.verify_message}."
    return ""
