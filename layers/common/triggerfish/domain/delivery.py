"""The delivery state machine: pure rules from an attempt's result to the event's next state.

pending ──claim──► delivering ──┬─ 2xx ───────────────────► success
   ▲ ▲                          ├─ retryable, tries left ─► pending (next_attempt_at)
   │ └──────────────────────────┤
   │                            ├─ final, or none left ───► failure
   └──release── held ◄──────────┴─ its trigger is disabled (nothing is sent)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

from triggerfish.domain.endpoint import Endpoint
from triggerfish.domain.exchange import Reply, SendFailure
from triggerfish.domain.hops import LOOP_DETECTED
from triggerfish.domain.retry import RetryPolicy, jitter_of, last_attempt_at
from triggerfish.domain.signing import SigningSecrets


class Status(StrEnum):
    PENDING = "pending"  # waits for its time, a worker or a retry
    DELIVERING = "delivering"  # a worker holds the lease
    HELD = "held"  # its trigger was disabled when it came due; waits to be released
    SUCCESS = "success"  # final: an attempt was answered 2xx
    FAILURE = "failure"  # final: refused for good, or no attempt left


TRANSITIONS: frozenset[tuple[Status, Status]] = frozenset(
    {
        (Status.PENDING, Status.DELIVERING),
        (Status.DELIVERING, Status.SUCCESS),
        (Status.DELIVERING, Status.PENDING),
        (Status.DELIVERING, Status.FAILURE),
        (Status.DELIVERING, Status.HELD),
        (Status.HELD, Status.PENDING),
    }
)


class Verdict(Enum):
    DELIVERED = "delivered"
    GONE = "gone"
    REFUSED = "refused"
    TRY_LATER = "try later"


@dataclass(frozen=True, slots=True)
class EventRef:
    """What a queue message says of an event: enough to wait for it and to find its row."""

    event_id: UUID
    due_at: datetime
    endpoint_key: str


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """An event that this worker holds the lease of; `attempt` numbers the attempt to make.

    `is_to_hold`: it has fired while its trigger was disabled, and is not to be attempted.
    """

    id: UUID
    project_id: UUID
    trigger_id: UUID | None
    revision_id: UUID
    endpoint_key: str
    scheduled_for: datetime
    payload: str
    attempt: int
    fired_at: datetime
    due_at: datetime
    released_at: datetime | None = None
    is_to_hold: bool = False
    hops: int = 0


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Where and how a revision's events go."""

    endpoint: Endpoint
    retry: RetryPolicy
    secrets: SigningSecrets


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the event log shows it; `url` is the one that was sent."""

    number: int
    url: str
    started_at: datetime
    duration: timedelta
    status_code: int | None
    error: str | None
    response_excerpt: str

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "url": self.url,
            "started_at": self.started_at,
            "duration_ms": round(self.duration.total_seconds() * 1000, 1),
            "status_code": self.status_code,
            "error": self.error,
            "response_excerpt": self.response_excerpt,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """The event's next state: final (`success`, `failure`) or `pending` until `retry_at`."""

    event: ClaimedEvent
    attempt: Attempt
    status: Status
    retry_at: datetime | None = None
    disable_trigger: bool = False
    enqueued_at: datetime | None = None  # when the retry's message was left to the queue

    @property
    def ended_at(self) -> datetime:
        return self.attempt.started_at + self.attempt.duration

    @property
    def lateness_ms(self) -> int | None:
        """How long after its time the first attempt started; None for retries, and if held."""
        if self.attempt.number > 1 or self.event.released_at is not None:
            return None
        return round((self.attempt.started_at - self.event.scheduled_for).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Held:
    """The other end of a lease: nothing was attempted, the event waits to be released."""

    event: ClaimedEvent


@dataclass(frozen=True, slots=True)
class Returned:
    """A third end of a lease: nothing was attempted, the event is free again."""

    event: ClaimedEvent
    at: datetime


Ending = Outcome | Held | Returned
"""How a lease ends."""


class Logged(StrEnum):
    """Where an event is that a message names."""

    ACTIVE = "active"
    ARCHIVE = "archive"
    WITHDRAWN = "withdrawn"  # taken back before it was due
    NOWHERE = "nowhere"  # and never was


@dataclass(frozen=True, slots=True)
class Claim:
    """Asks for an endpoint's due events, the oldest first: `slots` at most, due from `since` on."""

    endpoint_key: str
    slots: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """Leased events of one endpoint. `has_more`: due ones are left, free or held by others."""

    events: list[ClaimedEvent]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What the endings of some leases came to.

    `recorded` has an entry for each: whether it was written. `disabled`: ids of triggers that the
    outcomes have disabled, and why.
    """

    recorded: list[bool]
    disabled: dict[UUID, str]
    claimed: Claimed | None


NEVER_HEALS = ("destination_blocked", LOOP_DETECTED)


def classify(reply: Reply | SendFailure) -> Verdict:
    """What an answer means. Standard Webhooks: 2xx is success, 3xx is not followed, 410 disables.

    Every other answer may heal (a deploy, a bad route, an expired key or certificate, a name that
    does not resolve), and an attempt too many costs less than an event lost: so it is retried.
    Only what our own rules block never heals by waiting.
    """
    if isinstance(reply, SendFailure):
        return Verdict.REFUSED if reply.kind in NEVER_HEALS else Verdict.TRY_LATER
    if 200 <= reply.status_code < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if reply.status_code == 410 else Verdict.TRY_LATER


def settle(
    event: ClaimedEvent,
    retry: RetryPolicy,
    reply: Reply | SendFailure,
    *,
    url: str,
    started: datetime,
    ended: datetime,
) -> Outcome:
    """Decide what an attempt at `url` means for its event."""
    attempt = _attempt(event.attempt, url, reply, started, ended)
    match classify(reply):
        case Verdict.DELIVERED:
            return Outcome(event, attempt, Status.SUCCESS)
        case Verdict.GONE:
            return Outcome(event, attempt, Status.FAILURE, disable_trigger=True)
        case Verdict.REFUSED:
            return Outcome(event, attempt, Status.FAILURE)
        case Verdict.TRY_LATER:
            after = reply.retry_after_seconds if isinstance(reply, Reply) else None
            at = _retry_at(event, retry, ended, after)
            if at is None:
                return Outcome(event, attempt, Status.FAILURE)
            return Outcome(event, attempt, Status.PENDING, retry_at=at)


def _retry_at(
    event: ClaimedEvent, retry: RetryPolicy, ended: datetime, after: float | None
) -> datetime | None:
    """When to try again, None for never; no attempt begins once its event's log is all but over."""
    jitter = jitter_of(event.id, event.attempt)
    wait = retry.wait_after(event.attempt, retry_after_seconds=after, jitter=jitter)
    last = last_attempt_at(event.fired_at)
    return None if wait is None or ended >= last else min(ended + wait, last)


def _attempt(
    number: int, url: str, reply: Reply | SendFailure, started: datetime, ended: datetime
) -> Attempt:
    took = ended - started
    if isinstance(reply, SendFailure):
        return Attempt(number, url, started, took, None, _failure_text(reply), "")
    error = None if 200 <= reply.status_code < 300 else _answer_text(reply.status_code)
    return Attempt(number, url, started, took, reply.status_code, error, reply.excerpt)


def _answer_text(status_code: int) -> str:
    """A stable word and a sentence, like those of failures: `http_503: The endpoint answered …`."""
    try:
        said = f"{status_code} {HTTPStatus(status_code).phrase}"
    except ValueError:  # not registered
        said = str(status_code)
    not_followed = "; redirects are not followed" if 300 <= status_code < 400 else ""
    return f"http_{status_code}: The endpoint answered {said}{not_followed}."


def _failure_text(failure: SendFailure) -> str:
    return f"{failure.kind}: {failure.message}" if failure.message else failure.kind
