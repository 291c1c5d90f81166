"""Limits: rates with 429 and Retry-After, triggers per project, and guesses that cost no more."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests import functions
from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.imports import JOBS, UPLOAD, lines, upload
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import LANES, Api, assert_refused, post_json, serving
from tests.receiver import Receiver
from triggerfish.adapters.behind import catch_up
from triggerfish.adapters.db.project_usage import ProjectUsage
from triggerfish.adapters.disk_space import DiskSpace
from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.room import CountedRoom
from triggerfish.domain.access import hash_secret
from triggerfish.domain.errors import TooManyRequests
from triggerfish.domain.quota import Quota, Usage
from triggerfish.domain.rate import Rate
from triggerfish.edge.anonymous import network_of
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring
from triggerfish.wiring.upkeep import migrate

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"
BODY = b'{"id": 1}'


def test_a_burst_passes_then_the_rate_and_a_refusal_does_not_count():
    rate, due = Rate(10, burst_seconds=2), 0.0
    for _ in range(20):
        due, wait = rate.admit(due, 100.0)
        assert wait == 0
    unchanged, wait = rate.admit(due, 100.0)
    assert (unchanged, round(wait, 6)) == (due, 0.1)
    due, wait = rate.admit(due, 100.1)
    assert wait == 0
    assert rate.admit(due, 100.1)[1] > 0


def test_a_rate_below_one_admits_the_first_and_no_rate_admits_all():
    due, wait = Rate(0.1).admit(0.0, 100.0)
    assert wait == 0
    assert round(Rate(0.1).admit(due, 100.0)[1]) == 10
    assert all(Rate(0).admit(0.0, 100.0) == (0.0, 0.0) for _ in range(3))


Limited = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture(params=LANES)
async def limited(request: pytest.FixtureRequest, settings: Settings) -> Limited:
    """The API with limits of the test's choice, in one container: each counts for itself."""
    await asyncio.to_thread(migrate, settings.model_copy(update={"bootstrap_api_key": API_KEY}))
    queues = {"TRIGGERFISH_DELIVERIES_QUEUE_URL": settings.deliveries_queue_url}
    lane, database = str(request.param), settings.database_url
    return lambda **limits: serving(lane, database, queues | limits, threads=1)


@pytest.mark.attack("floods: rates, quotas")
async def test_calls_beyond_a_webhooks_rate_are_told_when_to_come_back(limited: Limited) -> None:
    async with limited(TRIGGERFISH_WEBHOOK_RATE="0.01") as api:  # one every 100 s
        noisy, quiet = [await api.create(an_api_trigger(HOOK)) for _ in range(2)]
        await api.fire(noisy, BODY)
        answers = [await post_json(api.http, noisy["webhook_url"], BODY) for _ in range(9)]
        # In the event lane a busy thread makes room for another, which counts for itself.
        refused = [answer for answer in answers if answer.status_code != 202]
        assert len(refused) >= 3
        for answer in refused:
            assert_refused(answer, 429)
            assert 1 <= int(answer.headers["retry-after"]) <= 100
            assert answer.json()["error"]["code"] == "RATE_LIMITED"
        await api.fire(quiet, BODY)
        assert api.stored()["event_logs_active"] == 2 + len(answers) - len(refused)


@pytest.mark.attack("floods: rates, quotas")
async def test_requests_beyond_a_projects_rate_are_told_when_to_come_back(limited: Limited) -> None:
    async with limited(TRIGGERFISH_KEY_RATE="0.01") as api:
        second = an_api_key(api, "tf_second", "triggers:read", project_id=own_project(api))
        answers = [await api.http.get(TRIGGERS) for _ in range(9)]
        assert answers[0].status_code == 200
        refused = answers[-1]
        assert_refused(refused, 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        stranger = await api.http.get(TRIGGERS, headers={"authorization": "Bearer tf_unknown"})
        sibling = await api.http.get(TRIGGERS, headers=second)
        assert_refused(sibling, 429)  # more keys do not buy a project more requests
        assert_refused(stranger, 401)  # no bucket is made for what nobody has


@pytest.mark.attack("floods: rates, quotas")
async def test_requests_without_a_key_are_counted_by_their_address(limited: Limited) -> None:
    async with limited(TRIGGERFISH_PUBLIC_RATE="0.01") as api:
        answers = [await api.http.get("/public/events") for n in range(9)]
        assert answers[0].status_code == 200
        assert_refused(answers[-1], 429)
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
        assert (await api.http.get(TRIGGERS)).status_code == 200  # a key has a rate of its own


@pytest.mark.parametrize(
    ("address", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::1", "2001:db8:0:2::1"), ("testclient", "")],
)
def test_a_source_is_an_address_or_the_network_of_one_customer(address: str, other: str) -> None:
    assert network_of(address) != network_of(other)
    assert network_of("2001:db8:0:1::1") == network_of("2001:db8:0:1:ffff::2")


@pytest.mark.attack("floods: rates, quotas")
async def test_a_project_has_no_more_triggers_than_it_may(limited: Limited) -> None:
    async with limited(TRIGGERFISH_TRIGGERS_PER_PROJECT="3") as api:
        made = [await api.create(a_scheduled_trigger(HOOK)) for _ in range(3)]
        answer = await api.http.post(TRIGGERS, json=a_scheduled_trigger(HOOK))
        assert_refused(answer, 409)
        assert api.stored()["trigger_revisions"] == 3
        await api.http.delete(f"{TRIGGERS}/{made[0]['id']}")
        await api.create(a_scheduled_trigger(HOOK))


@pytest.mark.parametrize(
    "limit", ["TRIGGERFISH_EVENTS_PER_PROJECT", "TRIGGERFISH_EVENT_BYTES_PER_PROJECT"]
)
@pytest.mark.attack("floods: rates, quotas")
async def test_a_project_adds_no_more_events_and_bytes_than_its_quota(
    limited: Limited, limit: str
) -> None:
    room = 3 if limit == "TRIGGERFISH_EVENTS_PER_PROJECT" else 3 * len(BODY)
    async with limited(**{limit: str(room)}) as api:
        trigger = await api.create(an_api_trigger(HOOK))
        events = [await api.fire(trigger, BODY) for _ in range(3)]
        api.sql(
            "UPDATE event_logs_active SET status = 'success', attempt = 1, "
            "completed_at = now(), next_attempt_at = NULL"
        )
        for refused in (
            await post_json(api.http, trigger["webhook_url"], BODY),
            await api.http.post(
                f"{TRIGGERS}/{trigger['id']}/test-run", json={"payload": {"id": 1}}
            ),
            await api.http.post(f"/api/v1/event-logs/{events[0]}/replay"),
        ):
            assert_refused(refused, 429)
            assert int(refused.headers["retry-after"]) > 0
        assert api.stored()["event_logs_active"] == 3


@pytest.mark.attack("floods: rates, quotas")
async def test_what_one_process_has_added_counts_in_all(settings: Settings, parts: Wiring) -> None:
    [first, second] = [
        CountedRoom(
            ProjectUsage(parts.database),
            DiskSpace("", 0, parts.clock),
            Quota(events=5),
            parts.settings.retention.kept,
            parts.clock,
        )
        for _ in range(2)
    ]
    project = uuid4()
    for _ in range(5):
        first.take(project, events=1)
    await first._refresh(parts.clock.now())
    second._known[project] = Usage()
    second._added[project] = Usage()
    await second._refresh(parts.clock.now())
    with pytest.raises(TooManyRequests):
        second.take(project, events=1)
    second.take(uuid4(), events=1)
    await catch_up()


@pytest.mark.attack("floods: rates, quotas")
async def test_a_project_has_no_more_imports_than_it_may(limited: Limited) -> None:
    async with limited(TRIGGERFISH_IMPORTS_PER_PROJECT="1") as api:
        job_id = await upload(api, lines(1))
        file = {"file": ("b.jsonl", lines(1))}
        assert_refused(await api.http.post(UPLOAD, files=file), 409)
        await api.http.delete(f"{JOBS}/{job_id}")
        assert (await api.http.post(UPLOAD, files=file)).status_code == 202


@pytest.mark.attack("a full disk")
async def test_with_the_disk_nearly_full_nothing_new_is_accepted_and_what_is_there_is_finished(
    limited: Limited, settings: Settings, tmp_path: Path, receiver: Receiver
) -> None:
    queue = settings.deliveries_queue_url
    async with limited() as api:
        trigger = await api.create(an_api_trigger(receiver.url()))
        event_id = await api.fire(trigger, BODY)
    full = {
        "TRIGGERFISH_DATABASE_DISK": str(tmp_path),
        "TRIGGERFISH_DATABASE_DISK_RESERVE_BYTES": str(1 << 62),
    }
    async with limited(**full) as api:
        for refused in (
            await post_json(api.http, trigger["webhook_url"], BODY),
            await api.http.post(TRIGGERS, json=an_api_trigger(HOOK)),
            await api.http.post(UPLOAD, files={"file": ("b.jsonl", lines(1))}),
        ):
            assert_refused(refused, 503)
            assert "disk" in refused.json()["error"]["message"]
        database = (await api.http.get("/health")).json()["components"]["database"]
        assert database["status"] == "down"
        assert "disk" in database["reason"]
        assert (await api.http.get("/health/ready")).status_code == 200
        await functions.work(queue)
        assert (await api.get(f"/api/v1/event-logs/{event_id}"))["status"] == "success"


@pytest.mark.attack("a full disk")
async def test_a_database_that_cannot_write_is_said_to_callers_and_in_health(
    limited: Limited,
) -> None:
    async with limited() as api:
        trigger = await api.create(an_api_trigger(HOOK))
        api.sql("""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$
        """)
        api.sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON event_logs_active "
            "FOR EACH STATEMENT EXECUTE FUNCTION full_disk()"
        )
        refused = await post_json(api.http, trigger["webhook_url"], BODY)
        assert_refused(refused, 503)
        assert "disk is full" in refused.json()["error"]["message"]
        health = await api.http.get("/health")
        assert health.status_code == 503
        assert "disk is full" in health.json()["components"]["database"]["reason"]
        assert (await api.http.get(TRIGGERS)).status_code == 200


def statements(parts: Wiring) -> list[str]:
    """Every statement from now on."""
    seen: list[str] = []
    event.listen(
        parts.database._engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: seen.append(statement),
    )
    return seen


@pytest.mark.attack("guessing of keys and tokens")
async def test_bad_keys_cost_the_statements_of_good_ones_and_many_at_once_share_few(
    parts: Wiring,
) -> None:
    good = SystemIds()
    seen = statements(parts)
    assert await parts.authenticate(API_KEY)
    await asyncio.sleep(0)
    look_up = seen[0]
    for key in ("tf_unknown", API_KEY[:-1], API_KEY + "x", "x" * 200):
        seen.clear()
        assert await parts.authenticate(key) is None
        assert seen == [look_up]
    seen.clear()
    guesses = [good.token() for _ in range(1_000)]
    assert await asyncio.gather(*map(parts.authenticate, guesses)) == [None] * 1_000
    assert len(seen) <= 10


@pytest.mark.attack("guessing of keys and tokens")
async def test_unknown_tokens_are_looked_up_each_time_and_many_at_once_share_few(
    parts: Wiring,
) -> None:
    targets = parts.fire_webhook.targets
    seen = statements(parts)
    unknown = hash_secret("unknown")
    for _ in range(3):
        assert await targets.find(unknown) is None
    assert len(seen) == 3  # their absence is not remembered: nothing tells a first guess
    seen.clear()
    guesses = [hash_secret(str(n)) for n in range(1_000)]
    assert await asyncio.gather(*map(targets.find, guesses)) == [None] * 1_000
    assert len(seen) <= 10
