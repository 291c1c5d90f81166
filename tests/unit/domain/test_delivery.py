"""The delivery state machine: from reply, attempt and policy to the outcome."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from triggerfish.domain.delivery import (
    TRANSITIONS,
    ClaimedEvent,
    Outcome,
    Status,
    Verdict,
    classify,
    settle,
)
from triggerfish.domain.exchange import FailureKind, Reply, SendFailure
from triggerfish.domain.retry import RetryPolicy

DUE = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://example.com/hook?sig=%2F"
STARTED, ENDED = DUE + timedelta(seconds=1), DUE + timedelta(seconds=3)
TWICE = RetryPolicy((5.0, 30.0), jitter=0.0)
NEVER = RetryPolicy(())
HOURS = timedelta(hours=1)


def event(attempt: int = 1) -> ClaimedEvent:
    return ClaimedEvent(
        UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), "endpoint", DUE, "{}", attempt, DUE, DUE
    )


def outcome(reply: Reply | SendFailure, attempt: int, policy: RetryPolicy) -> Outcome:
    return settle(event(attempt), policy, reply, url=URL, started=STARTED, ended=ENDED)


def http(status: int, retry_after: float | None = None) -> Reply:
    return Reply(status, retry_after, "the answer")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (199, Verdict.TRY_LATER),
        (300, Verdict.TRY_LATER),
        (301, Verdict.TRY_LATER),
        (307, Verdict.TRY_LATER),
        (400, Verdict.TRY_LATER),
        (401, Verdict.TRY_LATER),
        (404, Verdict.TRY_LATER),
        (408, Verdict.TRY_LATER),
        (410, Verdict.GONE),
        (429, Verdict.TRY_LATER),
        (500, Verdict.TRY_LATER),
        (503, Verdict.TRY_LATER),
        (599, Verdict.TRY_LATER),
    ],
)
def test_a_status_code_means_one_verdict(status, verdict):
    assert classify(http(status)) is verdict


@pytest.mark.parametrize("kind", FailureKind)
def test_only_a_blocked_destination_is_refused_for_good(kind):
    blocked = kind is FailureKind.DESTINATION_BLOCKED
    assert classify(SendFailure(kind, "")) is (Verdict.REFUSED if blocked else Verdict.TRY_LATER)


@pytest.mark.parametrize(
    ("reply", "attempt", "policy", "status", "wait_seconds"),
    [
        (http(200), 1, TWICE, Status.SUCCESS, None),
        (http(200), 3, TWICE, Status.SUCCESS, None),
        (http(200), 1, NEVER, Status.SUCCESS, None),
        (http(500), 1, TWICE, Status.PENDING, 5),
        (http(500), 2, TWICE, Status.PENDING, 30),
        (http(500), 3, TWICE, Status.FAILURE, None),
        (http(500), 1, NEVER, Status.FAILURE, None),
        (http(302), 1, TWICE, Status.PENDING, 5),
        (http(410), 1, TWICE, Status.FAILURE, None),
        (http(503, 60.0), 1, TWICE, Status.PENDING, 60),
        (http(503, 1.0), 1, TWICE, Status.PENDING, 5),
        (http(503, 90_000.0), 1, TWICE, Status.PENDING, 3600),
        (http(503, 60.0), 3, TWICE, Status.FAILURE, None),
        (http(410, 60.0), 1, TWICE, Status.FAILURE, None),
        (SendFailure("timeout", "late"), 1, TWICE, Status.PENDING, 5),
        (SendFailure("timeout", "late"), 3, TWICE, Status.FAILURE, None),
        (SendFailure("destination_blocked", "no"), 1, TWICE, Status.FAILURE, None),
    ],
)
def test_an_attempt_leads_to_the_next_state(reply, attempt, policy, status, wait_seconds):
    settled = outcome(reply, attempt, policy)
    assert (settled.event, settled.attempt.number) == (event(attempt), attempt)
    assert settled.status is status
    waited = None if settled.retry_at is None else (settled.retry_at - ENDED).total_seconds()
    assert waited == wait_seconds
    assert (Status.DELIVERING, settled.status) in TRANSITIONS
    assert (settled.retry_at is not None) == (settled.status is Status.PENDING)


def test_an_event_waits_as_its_jitter_says_the_same_every_time():
    policy = RetryPolicy((100.0, 100.0))
    waits = [
        settled.retry_at - ENDED
        for settled in (outcome(http(500), attempt, policy) for attempt in (1, 1, 2))
        if settled.retry_at is not None
    ]
    assert waits[0] == waits[1] != waits[2]
    assert all(timedelta(seconds=100) <= wait < timedelta(seconds=110) for wait in waits)


@pytest.mark.parametrize(
    ("ended_after", "waited"),
    [
        (44 * HOURS, HOURS),
        (45.5 * HOURS, 0.5 * HOURS),  # cut, so that the last attempt is made in time
        (46 * HOURS - timedelta(seconds=1), timedelta(seconds=1)),
        (46 * HOURS, None),
        (47 * HOURS, None),  # was released late, or its worker was
    ],
)
def test_no_attempt_begins_later_than_46_hours_after_the_event(ended_after, waited):
    ended = DUE + ended_after
    settled = settle(event(), TWICE, http(503, 3600.0), url=URL, started=ended, ended=ended)
    assert settled.retry_at == (None if waited is None else ended + waited)
    assert settled.status is (Status.FAILURE if waited is None else Status.PENDING)


def test_only_410_disables_the_trigger():
    replies = [http(status) for status in (200, 301, 400, 404, 410, 500)]
    assert [outcome(reply, 1, TWICE).disable_trigger for reply in replies] == [
        status == 410 for status in (200, 301, 400, 404, 410, 500)
    ]


def test_a_final_state_is_never_left_and_delivery_starts_from_pending_only():
    final = {Status.SUCCESS, Status.FAILURE}
    assert not [pair for pair in TRANSITIONS if pair[0] in final]
    assert {start for start, end in TRANSITIONS if end is Status.DELIVERING} == {Status.PENDING}
    assert {end for start, end in TRANSITIONS if start is Status.DELIVERING} == {
        *final,
        Status.PENDING,
        Status.HELD,
    }
    assert {end for start, end in TRANSITIONS if start is Status.HELD} == {Status.PENDING}


@pytest.mark.parametrize(
    ("reply", "status_code", "error", "excerpt"),
    [
        (http(200), 200, None, "the answer"),
        (
            http(500),
            500,
            "http_500: The endpoint answered 500 Internal Server Error.",
            "the answer",
        ),
        (
            http(302),
            302,
            "http_302: The endpoint answered 302 Found; redirects are not followed.",
            "the answer",
        ),
        (
            http(300),
            300,
            "http_300: The endpoint answered 300 Multiple Choices; redirects are not followed.",
            "the answer",
        ),
        (http(400), 400, "http_400: The endpoint answered 400 Bad Request.", "the answer"),
        (http(599), 599, "http_599: The endpoint answered 599.", "the answer"),
        (SendFailure("timeout", "Too slow."), None, "timeout: Too slow.", ""),
        (SendFailure("dns_error", ""), None, "dns_error", ""),
    ],
)
def test_an_attempt_says_what_came_back(reply, status_code, error, excerpt):
    attempt = outcome(reply, 2, TWICE).attempt
    assert attempt.to_json() == {
        "number": 2,
        "url": URL,
        "started_at": STARTED,
        "duration_ms": 2000.0,
        "status_code": status_code,
        "error": error,
        "response_excerpt": excerpt,
    }


def test_lateness_is_that_of_the_first_attempt():
    assert outcome(http(200), 1, TWICE).lateness_ms == 1000
    assert outcome(http(200), 2, TWICE).lateness_ms is None
    assert outcome(http(200), 1, TWICE).ended_at == ENDED


def test_an_event_that_was_held_is_not_late():
    released = replace(event(), released_at=STARTED)
    settled = settle(released, TWICE, http(200), url=URL, started=STARTED, ended=ENDED)
    assert settled.lateness_ms is None
