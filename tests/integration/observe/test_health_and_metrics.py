"""Health and metrics over HTTP: each component's state, numbers that agree with the rows."""

import math
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import functions
from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.lanes import NOBODY, Api, assert_refused, post_json, serving
from tests.integration.observe.metrics import samples, value
from tests.receiver import Receiver
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
DEAD_DATABASE = "postgresql+psycopg://nobody@/nothing?host=/nowhere&port=1"
PARTS = {"web", "database", "queue", "scheduler", "retention", "worker"}


async def states(http: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    answer = await http.get("/health")
    components: dict[str, Any] = answer.json()["components"]
    assert all(part["reason"] for part in components.values())
    return answer.status_code, {name: part["status"] for name, part in components.items()}


async def test_all_is_up_once_every_background_function_has_run(api: Api) -> None:
    status, before = await states(api.http)
    assert status == 503
    assert {name for name, state in before.items() if state == "down"} == {"scheduler", "retention"}
    assert (await api.http.get("/health/ready")).status_code == 200

    await functions.tick()
    await functions.retention()
    status, after = await states(api.http)
    assert status == 200
    assert after == dict.fromkeys(PARTS, "up")


async def test_a_function_that_stopped_running_is_down_with_its_age(api: Api) -> None:
    await functions.tick()
    await functions.retention()
    api.sql("UPDATE heartbeats SET last_run_at = now() - CAST('5 min' AS interval)")
    answer = await api.http.get("/health")
    assert answer.status_code == 503
    scheduler = answer.json()["components"]["scheduler"]
    assert (scheduler["status"], scheduler["reason"]) == ("down", "last run 300 s ago")


async def test_work_that_nobody_does_makes_the_worker_down(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    await api.fire(trigger, b'{"id": 1}')
    api.sql("UPDATE event_logs_active SET next_attempt_at = now() - CAST('1 min' AS interval)")
    _, now = await states(api.http)
    assert now["worker"] == "down"


async def test_health_tells_a_stranger_nothing_of_any_tenant(api: Api) -> None:
    await api.create(an_api_trigger(HOOK, name="a-secret-project"))
    del api.http.headers["authorization"]
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        answer = await api.http.get(path)
        assert answer.status_code in (200, 503)
        assert "a-secret-project" not in answer.text


async def test_dead_letters_are_said_and_make_nothing_down(api: Api, settings: Settings) -> None:
    for url in (settings.deliveries_dlq_url, settings.deliveries_dlq_url, settings.imports_dlq_url):
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody="poison")
    queue = (await api.http.get("/health")).json()["components"]["queue"]
    assert queue == {
        "status": "up",
        "reason": "0 waiting, 0 in flight, 2 dead letters (triggerfish dlq list --queue deliveries)"
        ", 1 dead letter (triggerfish dlq list --queue imports)",
    }
    text = (await api.http.get("/metrics")).text
    for name, dead in (("deliveries", 2), ("imports", 1), ("notifications", 0)):
        assert value(text, "triggerfish_dead_letters", queue=name) == dead


@pytest.fixture
def away(settings: Settings) -> dict[str, str]:
    """Settings with both queues where nobody listens."""
    return {
        "TRIGGERFISH_SQS_ENDPOINT_URL": NOBODY,
        "TRIGGERFISH_DELIVERIES_QUEUE_URL": f"{NOBODY}/000000000000/deliveries",
        "TRIGGERFISH_DELIVERIES_DLQ_URL": f"{NOBODY}/000000000000/deliveries-dlq",
    }


async def test_without_the_database_nothing_is_accepted_and_all_say_try_later(lane: str) -> None:
    async with serving(lane, DEAD_DATABASE, {"TRIGGERFISH_SQS_ENDPOINT_URL": NOBODY}) as api:
        for method, path, body in (
            ("POST", "/api/v1/triggers", a_scheduled_trigger(HOOK)),
            ("GET", "/api/v1/triggers", None),
            ("GET", "/api/v1/event-logs", None),
            ("POST", "/api/v1/webhook/some-token", {"id": 1}),
            ("GET", "/metrics", None),
        ):
            answer = await api.http.request(method, path, json=body)
            assert_refused(answer, 503)
            assert int(answer.headers["retry-after"]) >= 1
            assert "nowhere" not in answer.text
        assert (await api.http.get("/health/live")).status_code == 200
        ready = await api.http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "down")
        status, parts = await states(api.http)
        assert (status, set(parts)) == (503, PARTS)
        assert parts["web"] == "up"
        assert parts["database"] == "down"


async def test_without_the_queue_events_are_accepted_and_left_to_the_sweep(
    lane: str, settings: Settings, away: dict[str, str]
) -> None:
    parts = Wiring(settings)
    await parts.ensure_bootstrap(API_KEY)
    await parts.close()
    async with serving(lane, settings.database_url, away) as api:
        trigger = await api.create(an_api_trigger(HOOK))
        event = await api.fire(trigger, b'{"id": 1}')
        [(enqueued_at,)] = api.sql("SELECT enqueued_at FROM event_logs_active")
        assert enqueued_at is None
        _, now = await states(api.http)
        assert (now["queue"], now["database"]) == ("down", "up")
        assert (await api.http.get("/health/ready")).status_code == 200
        metrics = await api.http.get("/metrics")
        assert metrics.status_code == 200
        assert "triggerfish_queue_messages" not in metrics.text

    api.sql("UPDATE event_logs_active SET next_attempt_at = now() - CAST('3 s' AS interval)")
    queues = {
        "TRIGGERFISH_DELIVERIES_QUEUE_URL": settings.deliveries_queue_url,
        "TRIGGERFISH_DELIVERIES_DLQ_URL": settings.deliveries_dlq_url,
    }
    async with serving(lane, settings.database_url, queues):
        assert (await functions.tick())["swept"] == 1
        [record] = functions.messages(settings.deliveries_queue_url)
        assert event in record["body"]


async def test_metrics_agree_with_the_rows(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    good = await api.create(an_api_trigger(receiver.url()))
    for n in range(3):
        await api.fire(good, b'{"id": %d}' % n)
    await functions.work(settings.deliveries_queue_url)
    receiver.answer(500)
    failing = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [3600]}))
    doomed = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": []}))
    await api.fire(failing, b'{"id": 1}')
    await api.fire(doomed, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    await functions.tick()

    answer = await api.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.text
    attempts = "triggerfish_delivery_attempts_total"
    assert value(text, attempts, outcome="success") == 3
    assert value(text, attempts, outcome="failure") == 1
    assert value(text, attempts, outcome="retry") == 1
    [(made,)] = api.sql("SELECT sum(attempt) FROM event_logs_active")
    assert value(text, "triggerfish_delivery_duration_seconds_count") == made == 5
    assert value(text, "triggerfish_delivery_lateness_seconds_count") == 5
    assert value(text, "triggerfish_open_events", status="pending", source="api") == 1
    assert value(text, "triggerfish_open_events", status="delivering", source="api") == 0
    finished = "triggerfish_finished_events_total"
    assert value(text, finished, status="success", source="api") == 3
    assert value(text, finished, status="failure", source="api") == 1
    assert value(text, finished, status="success", source="scheduled") == 0
    assert value(text, "triggerfish_events", state="active", source="api") == 5
    assert value(text, "triggerfish_events", state="archived", source="api") == 0
    assert value(text, "triggerfish_triggers", status="active") == 3
    assert value(text, "triggerfish_oldest_pending_seconds") == 0
    assert value(text, "triggerfish_rows_past_expiry") == 0
    assert value(text, "triggerfish_dead_letters", queue="deliveries") == 0
    last_tick = value(text, "triggerfish_last_run_timestamp_seconds", function="tick")
    assert abs(last_tick - datetime.now(UTC).timestamp()) < 60


async def test_histograms_are_cumulative_and_end_with_their_count(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    for n in range(4):
        await api.fire(trigger, b'{"id": %d}' % n)
    await functions.work(settings.deliveries_queue_url)
    text = (await api.http.get("/metrics")).text
    histograms = [f for f in text_string_to_metric_families(text) if f.type == "histogram"]
    assert {f.name for f in histograms} == {
        "triggerfish_delivery_duration_seconds",
        "triggerfish_delivery_lateness_seconds",
    }
    for family in histograms:
        buckets = [s for s in family.samples if s.name.endswith("_bucket")]
        bounds = [float(s.labels["le"]) for s in buckets]
        counts = [s.value for s in buckets]
        assert bounds == sorted(bounds)
        assert bounds[-1] == math.inf
        assert counts == sorted(counts)
        assert counts[-1] == value(text, f"{family.name}_count") == 4
        assert 0 <= value(text, f"{family.name}_sum") < 4 * 60


async def test_metrics_carry_no_ids_and_no_names_of_customers(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url("/customer-path"), name="customer"))
    event = await api.fire(trigger, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    text = (await api.http.get("/metrics")).text
    labels = {name for sample in samples(text) for name in sample.labels}
    assert labels <= {"outcome", "status", "state", "source", "action", "function", "le", "queue"}
    for secret in (trigger["id"], event, "customer", trigger["signing_secret"], API_KEY):
        assert secret not in text


async def test_metrics_are_complete_before_anything_happened(api: Api) -> None:
    text = (await api.http.get("/metrics")).text
    assert value(text, "triggerfish_delivery_duration_seconds_count") == 0
    assert value(text, "triggerfish_queue_messages", queue="deliveries", state="waiting") == 0
    assert_refused(await post_json(api.http, "/metrics", b"{}"), 405)
