"""SIGKILL between any two steps of tick, sweep, deliver and fire_webhook: nothing is lost or doubled."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Record
from tests.e2e.consistency import check_consistency, connect
from tests.e2e.crash_points import CrashingPlatform, crashing_platform
from tests.e2e.receiver import Endpoint, listening
from tests.e2e.reliability import Row
from tests.e2e.waiting import until
from triggerfish.domain.endpoint_limits import endpoint_key

pytestmark = pytest.mark.queue

# By turns, so that one service starts again while another is killed.
POINTS = [
    "sweep.after_send",
    "deliver.after_claim",
    "fire_webhook.before_commit",
    "tick.before_commit",
    "deliver.during_post",
    "fire_webhook.after_commit",
    "tick.after_commit",
    "deliver.after_post",
    "fire_webhook.after_keyed_commit",
    "tick.after_send",
    "deliver.after_outcome",
    "fire_webhook.after_send",
    "deliver.before_retry_is_sent",
    "deliver.before_delete",
]
DUE_AT_ONCE = 5
VISIBILITY_SECONDS = 5
CALL_SECONDS = 60
"""Longer than a gateway takes to start: whoever gives up before may have been accepted."""
RECOVERY_SECONDS = 90
"""Leases last 11 s here, and a restart waits up to 10 s after many in a row."""
REPEATS = {"deliver.after_post": 1, "deliver.during_post": 1}
"""What the receiver sees twice at most, and after any other point nothing."""


@dataclass(frozen=True)
class Crash:
    """A point that was hit at `at` (Unix seconds), and the events that it put at risk."""

    point: str
    at: float
    trigger_ids: list[str]
    expected: int
    endpoint: Endpoint

    @property
    def path(self) -> str:
        return f"/{self.point}"


@dataclass(frozen=True)
class After:
    """What the log says of a crash's events at the end; times in Unix seconds."""

    logged: int
    distinct: int
    succeeded: int
    attempts: int
    completed_at: float


@pytest.fixture(scope="module")
def crashes() -> Iterator[tuple[CrashingPlatform, dict[str, Crash]]]:
    """A platform after a crash at every point, and after its recovery from all of them."""
    with (
        crashing_platform(visibility_seconds=VISIBILITY_SECONDS) as platform,
        listening() as endpoint,
        listening() as flaky,
        listening() as slow,
    ):
        flaky.answer(500, 200)
        slow.slow_down(0.3)
        special = {"deliver.before_retry_is_sent": flaky, "deliver.during_post": slow}
        found: dict[str, Crash] = {}
        for point in POINTS:
            if is_of_delivery(point):  # its kill is not to hit what others have put on the way
                others = [one for one in found.values() if not is_of_delivery(one.point)]
                wait_until_settled(platform, others)
            found[point] = strike(platform, point, special.get(point, endpoint))
        wait_until_settled(platform, list(found.values()))
        yield platform, found


def is_of_delivery(point: str) -> bool:
    return point.startswith("deliver.")


def wait_until_settled(platform: CrashingPlatform, crashes: Sequence[Crash]) -> None:
    until(
        lambda: all(is_settled(platform, crash) for crash in crashes),
        RECOVERY_SECONDS,
        what="all events to succeed",
        every=0.2,
    )


def strike(platform: CrashingPlatform, point: str, endpoint: Endpoint) -> Crash:
    """Kill the service at the point, with events under way there."""
    platform.serving(point)
    until(lambda: platform.answers(), CALL_SECONDS, what="the gateway to answer", every=0.1)
    function = point.partition(".")[0]
    if function == "deliver":
        return in_a_delivery(platform, point, endpoint)
    if function == "fire_webhook":
        return in_a_call(platform, point, endpoint)
    return in_a_tick(platform, point, endpoint)


def in_a_tick(platform: CrashingPlatform, point: str, endpoint: Endpoint) -> Crash:
    platform.arm(point)
    if point == "sweep.after_send":  # it has to do what a killed tick left undone
        platform.arm("tick.after_commit")
    due = datetime.fromtimestamp(int(time.time()) + 5, UTC).isoformat()
    triggers = [
        create(platform, type="scheduled", schedule={"at": due}, endpoint=at(endpoint, point))
        for _ in range(DUE_AT_ONCE)
    ]
    hit = platform.wait_for_crash(point)
    return Crash(point, hit, [trigger["id"] for trigger in triggers], DUE_AT_ONCE, endpoint)


def in_a_delivery(platform: CrashingPlatform, point: str, endpoint: Endpoint) -> Crash:
    trigger = an_api_trigger(platform, point, endpoint)
    url = trigger["endpoint"]["url"]
    platform.arm(point, [url, endpoint_key(url)])
    assert call(trigger, point) == 202
    hit = platform.wait_for_crash(point)
    endpoint.slow_down(0)  # so that no later kill finds the next attempt in flight
    return Crash(point, hit, [trigger["id"]], 1, endpoint)


def in_a_call(platform: CrashingPlatform, point: str, endpoint: Endpoint) -> Crash:
    """One call by a customer who gets no answer.

    It is made again where nothing was stored, and where a key makes that safe.
    """
    trigger = an_api_trigger(platform, point, endpoint)
    keyed = point in ("fire_webhook.after_keyed_commit", "fire_webhook.after_send")
    platform.arm(point, [] if point == "fire_webhook.after_send" else [point])
    # The message is sent behind the answer, so there may have been one.
    answers = {0, 202} if point == "fire_webhook.after_send" else {0}
    assert call(trigger, point, keyed=keyed) in answers
    hit = platform.wait_for_crash(point)
    if point != "fire_webhook.after_commit":
        until(lambda: call(trigger, point, keyed=keyed) == 202, CALL_SECONDS, what="an answer")
    return Crash(point, hit, [trigger["id"]], 1, endpoint)


def an_api_trigger(platform: CrashingPlatform, point: str, endpoint: Endpoint) -> dict[str, Any]:
    return create(platform, type="api", schema={}, endpoint=at(endpoint, point))


def at(endpoint: Endpoint, point: str) -> dict[str, Any]:
    return {"url": endpoint.url(f"/{point}"), "timeout_seconds": 1}


def create(platform: CrashingPlatform, **definition: Any) -> dict[str, Any]:
    return platform.create(name="crash", retry={"delays_seconds": [1] * 5}, **definition)


def call(trigger: dict[str, Any], point: str, *, keyed: bool = False) -> int:
    """The status of a call to the trigger's webhook, 0 when there was no answer."""
    headers = {"Idempotency-Key": point} if keyed else {}
    try:
        answer = httpx.post(
            trigger["webhook_url"], json={"at": point}, headers=headers, timeout=CALL_SECONDS
        )
    except httpx.TransportError:
        return 0
    return answer.status_code


def after(platform: CrashingPlatform, crash: Crash) -> After:
    with connect(platform.database_url) as connection:
        [row] = connection.execute(
            "SELECT count(*), count(DISTINCT (trigger_id, scheduled_for)),"
            "       count(*) FILTER (WHERE status = 'success'),"
            "       coalesce(sum(jsonb_array_length(attempts)), 0),"
            "       coalesce(extract(epoch FROM max(completed_at)), 0)"
            "  FROM event_logs_active WHERE trigger_id = ANY(%s::uuid[])",
            (crash.trigger_ids,),
        ).fetchall()
    logged, distinct, succeeded, attempts, completed_at = row
    return After(logged, distinct, succeeded, int(attempts), float(completed_at))


def is_settled(platform: CrashingPlatform, crash: Crash) -> bool:
    now = after(platform, crash)
    return now.succeeded == now.logged >= crash.expected


@pytest.mark.fault(*(f"`kill -9` at `{point}`" for point in POINTS))
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_loses_and_doubles_nothing(
    crashes: tuple[CrashingPlatform, dict[str, Crash]], point: str, record: Record
) -> None:
    platform, found = crashes
    crash = found[point]
    log = after(platform, crash)
    deliveries = crash.endpoint.event_ids(crash.path)
    repeats = deliveries.total() - log.attempts
    row = Row(
        f"`kill -9` at `{point}`",
        injected=1,
        at_risk=crash.expected,
        lost=crash.expected - log.succeeded,
        duplicates=log.logged - crash.expected,
        repeats=repeats,
        recovery_seconds=max(log.completed_at - crash.at, 0.0),
    )
    assert (row.lost, row.duplicates) == (0, 0)
    assert len(deliveries) == crash.expected
    # A kill at a later point of delivery may, once in a while, hit an earlier one's next attempt.
    assert 0 <= repeats <= REPEATS.get(point, 0) + int(is_of_delivery(point))
    assert repeats or point != "deliver.after_post"
    record(row)


def test_after_all_crashes_every_rule_holds_and_the_queues_are_empty(
    crashes: tuple[CrashingPlatform, dict[str, Crash]],
) -> None:
    platform, _ = crashes
    check_consistency(platform.database_url)
    until(
        lambda: not messages(platform, platform.queue_url()),
        60,
        what="the queue to be empty",
        every=0.2,
    )
    assert messages(platform, platform.queue_url("-dlq")) == 0


def messages(platform: CrashingPlatform, queue_url: str) -> int:
    """All of a queue's messages, handed out and delayed ones too."""
    answer = platform.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
    found = {
        str(name): int(value) for name, value in answer["Attributes"].items() if value.isdigit()
    }
    names = ("", "NotVisible", "Delayed")
    return sum(found[f"ApproximateNumberOfMessages{name}"] for name in names)
