"""What can go wrong, named by the remedy. One table maps this tree to HTTP, one to queue answers.

TriggerfishError
├── InvalidInput    change what you sent (details name the fields)
├── Unauthorised    send a valid key
├── Forbidden       use a key with the needed scope
├── NotFound        check the id: it is unknown, or belongs to another project
├── Conflict        look at the current state first, then decide
├── Stale           look at the present state: it is not the one that `If-Match` names
├── KeyReused       send a new idempotency key: this one belongs to another request
├── TooLarge        send less
├── TooManyRequests send slower
└── TryLater        send the same again, later (after `retry_after_seconds` if given)
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path (`schedule.cron`, `items[0].price`) and what would be right."""

    field: str
    message: str


class TriggerfishError(Exception):
    """Base of all expected failures. `message` is safe to show to the caller."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(TriggerfishError):
    """The caller's input is wrong; `details` names each wrong field known so far."""

    def __init__(self, message: str, details: Iterable[FieldError] = ()) -> None:
        super().__init__(message)
        self.details: tuple[FieldError, ...] = tuple(details)


class Unauthorised(TriggerfishError):
    """No key, or not a valid one."""


class Forbidden(TriggerfishError):
    """A valid key without the needed scope."""


class NotFound(TriggerfishError):
    """Unknown, or somebody else's: the caller cannot tell which."""


class Conflict(TriggerfishError):
    """The request does not fit the present state."""


class Stale(TriggerfishError):
    """The caller last saw an earlier state than the present one."""


class KeyReused(TriggerfishError):
    """An idempotency key that was used with another body."""


class TooLarge(TriggerfishError):
    """More bytes than are accepted."""


class TooManyRequests(TriggerfishError):
    """Faster than allowed; the same request is welcome after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TryLater(TriggerfishError):
    """A temporary condition; the same request may succeed later."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
