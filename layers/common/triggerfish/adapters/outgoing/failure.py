"""From what went wrong in an exchange to a `SendFailure`.

Messages are for customers: they say what happened and to whom, and name no address and no library.
"""

import ssl

from triggerfish.adapters.outgoing.answer import NotAnAnswer
from triggerfish.adapters.outgoing.connections import DestinationBlocked
from triggerfish.adapters.outgoing.look_ups import Unresolved
from triggerfish.adapters.outgoing.target import Unsendable
from triggerfish.domain.exchange import FailureKind, SendFailure

Rule = tuple[tuple[type[BaseException], ...], FailureKind, str]

# The first rule that matches wins: all of these but two are kinds of OSError.
RULES: tuple[Rule, ...] = (
    (
        (Unresolved,),
        FailureKind.DNS_ERROR,
        "The endpoint's host name could not be resolved.",
    ),
    (
        (ssl.SSLError, ssl.CertificateError),
        FailureKind.TLS_ERROR,
        "No secure connection to the endpoint could be made.",
    ),
    (
        (ConnectionRefusedError,),
        FailureKind.CONNECTION_REFUSED,
        "The endpoint refused the connection.",
    ),
    ((TimeoutError,), FailureKind.TIMEOUT, "The endpoint did not answer in time."),
    (
        (ConnectionError,),
        FailureKind.CONNECTION_RESET,
        "The endpoint closed the connection before its answer was complete.",
    ),
    ((OSError,), FailureKind.CONNECTION_REFUSED, "The endpoint could not be reached."),
    (
        (Unsendable,),
        FailureKind.PROTOCOL_ERROR,
        "The endpoint's URL or headers cannot be sent.",
    ),
)

# What the endpoint, its URL or its network can do wrong. Anything else is our own bug: let it show.
EXCHANGE_ERRORS = (OSError, NotAnAnswer, Unsendable)


def failure_of(error: BaseException) -> SendFailure:
    """Say what one of EXCHANGE_ERRORS means."""
    if isinstance(error, DestinationBlocked):
        return SendFailure(FailureKind.DESTINATION_BLOCKED, error.reason)
    for types, kind, message in RULES:
        if isinstance(error, types):
            return SendFailure(kind, message + _certificate_problem(error))
    return SendFailure(FailureKind.PROTOCOL_ERROR, str(error))


def _certificate_problem(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f" Its certificate was not accepted: {error.verify_message}."
    return ""
