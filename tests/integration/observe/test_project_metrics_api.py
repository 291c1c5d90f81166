"""GET /api/v1/metrics: a project's own numbers, and counters that never run backwards."""

from typing import Any

import pytest

from tests import functions
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, post_json
from tests.integration.observe.metrics import value
from tests.receiver import Receiver
from triggerfish.settings import Settings

METRICS = "/api/v1/metrics"


async def deliveries(api: Api, settings: Settings, receiver: Receiver) -> dict[str, Any]:
    """Three that succeed, one that fails, one that waits for its retry; the trigger."""
    good = await api.create(an_api_trigger(receiver.url(), name="good"))
    for n in range(3):
        await api.fire(good, b'{"id": %d}' % n)
    await functions.work(settings.deliveries_queue_url)
    receiver.answer(500)
    for delays in ([], [3600]):
        bad = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": delays}))
        await api.fire(bad, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    return good


async def test_the_numbers_are_those_of_the_prometheus_metrics(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    await deliveries(api, settings, receiver)
    await functions.tick()
    await functions.retention()
    metrics = await api.get(METRICS)
    counts, text = metrics["counts"], (await api.http.get("/metrics")).text
    for outcome, count in counts["delivery_attempts"].items():
        assert value(text, "triggerfish_delivery_attempts_total", outcome=outcome) == count
    for status, by_source in counts["finished_events"].items():
        for source, count in by_source.items():
            name = "triggerfish_finished_events_total"
            assert value(text, name, status=status, source=source) == count
    for state, by_source in counts["events"].items():
        for source, count in by_source.items():
            assert value(text, "triggerfish_events", state=state, source=source) == count
    assert counts["delivery_attempts"] == {"success": 3, "retry": 1, "failure": 1}
    assert counts["open_events"] == {"pending": 1, "delivering": 0, "held": 0}
    assert counts["events"]["active"]["api"] == 5
    assert counts["triggers"] == {"active": 3}
    assert counts["oldest_pending_seconds"] == 0
    platform = metrics["platform"]
    empty = {"waiting": 0, "in_flight": 0, "delayed": 0, "dead": 0}
    assert platform["queues"] == dict.fromkeys(("deliveries", "imports", "notifications"), empty)
    assert platform["rows_past_expiry"] == 0
    assert set(platform["last_runs"]) == {"deliver", "retention", "tick"}


async def test_each_trigger_has_its_quantiles(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    good = await deliveries(api, settings, receiver)
    metrics = await api.get(METRICS, hours=1)
    first, *others = metrics["triggers"]
    assert (first["trigger_id"], first["trigger_name"]) == (good["id"], "good")
    assert first["delivery_attempts"] == {"success": 3, "retry": 0, "failure": 0}
    assert len(others) == 2
    for part in (metrics["window"], first, *others):
        for name in ("duration_ms", "lateness_ms"):
            assert set(part[name]) == {"p50", "p95", "p99"}
            assert 0 < part[name]["p50"] <= part[name]["p95"] <= part[name]["p99"]
    assert metrics["window"]["delivery_attempts"] == {"success": 3, "retry": 1, "failure": 1}


async def test_before_anything_happened_all_is_zero_and_no_quantile_is_known(api: Api) -> None:
    metrics = await api.get(METRICS)
    assert set(metrics["counts"]["delivery_attempts"].values()) == {0}
    assert metrics["window"]["duration_ms"] == {"p50": None, "p95": None, "p99": None}
    assert (metrics["triggers"], metrics["counts"]["skipped_occurrences"]) == ([], 0)


async def test_counters_go_on_when_rows_are_moved_and_deleted(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    shown = []
    for age in ("3 h", "50 h", "0 h"):
        event = await api.fire(trigger, b'{"id": 1}')
        api.sql(
            "UPDATE event_logs_active SET fired_at = fired_at - CAST(%s AS interval) WHERE id = %s",
            age,
            event,
        )
        await functions.work(settings.deliveries_queue_url)
        await functions.retention()
        shown.append((await api.http.get("/metrics")).text)
    finished = "triggerfish_finished_events_total"
    counts = [value(text, finished, status="success", source="api") for text in shown]
    attempts = [
        value(text, "triggerfish_delivery_attempts_total", outcome="success") for text in shown
    ]
    assert counts == attempts == [1, 2, 3]
    rows = "triggerfish_retention_rows_total"
    assert [value(text, rows, action="moved") for text in shown] == [1, 1, 1]
    assert [value(text, rows, action="deleted") for text in shown] == [0, 1, 1]
    kept = [
        value(shown[-1], "triggerfish_events", state=state, source="api")
        for state in ("active", "archived")
    ]
    assert kept == [1, 1]


async def test_skipped_occurrences_are_counted_for_good(api: Api) -> None:
    body = a_scheduled_trigger(
        "https://example.com/hook", schedule={"every": "1h"}, catch_up="none"
    )
    for expected in (3, 6):
        trigger = await api.create(body)
        api.sql(
            "UPDATE triggers SET next_fire_at = next_fire_at - CAST('210 min' AS interval),"
            " next_occurrence_at = next_occurrence_at - CAST('210 min' AS interval)"
            " WHERE id = %s",
            trigger["id"],
        )
        assert (await functions.tick())["skipped"] == 3
        assert (await api.get(METRICS))["counts"]["skipped_occurrences"] == 3
        await api.http.delete(f"/api/v1/triggers/{trigger['id']}")
        await functions.tick()
        text = (await api.http.get("/metrics")).text
        assert value(text, "triggerfish_skipped_occurrences_total") == expected


async def test_another_projects_numbers_are_not_shown(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    await deliveries(api, settings, receiver)
    stranger = an_api_key(api, "tf_stranger_0123456789", "events:read")
    metrics = (await api.http.get(METRICS, headers=stranger)).json()
    assert set(metrics["counts"]["delivery_attempts"].values()) == {0}
    assert (metrics["triggers"], metrics["counts"]["triggers"]) == ([], {})
    unfit = an_api_key(api, "tf_unfit_0123456789abc", "triggers:read", "triggers:write")
    assert_refused(await api.http.get(METRICS, headers=unfit), 403)
    assert_refused(await api.http.get(METRICS, headers={"authorization": ""}), 401)


@pytest.mark.parametrize("query", ["hours=0", "hours=49", "hours=x"])
async def test_hours_are_between_1_and_48(api: Api, query: str) -> None:
    assert_refused(await api.http.get(f"{METRICS}?{query}"), 400, "hours")
    assert_refused(await post_json(api.http, METRICS, b"{}"), 405)
