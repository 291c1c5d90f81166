"""The summary over HTTP: counts that agree with the rows, by trigger and status."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, post_json
from tests.receiver import Receiver
from triggerfish.settings import Settings

SUMMARY = "/api/v1/event-logs/summary"
STATUSES = ("pending", "delivering", "held", "success", "failure")


async def fired(api: Api, trigger: dict[str, Any], count: int) -> None:
    for n in range(count):
        await api.fire(trigger, b'{"id": %d}' % n)


def rows(api: Api) -> Counter[tuple[str, str]]:
    """What the logs themselves say: events by trigger and status."""
    found = api.sql("""
        SELECT trigger_id, status FROM event_logs_active
         UNION ALL SELECT trigger_id, status FROM event_logs_archive""")
    return Counter((str(trigger), status) for trigger, status in found)


def summarised(summary: dict[str, Any]) -> Counter[tuple[str, str]]:
    return Counter(
        {
            (one["trigger_id"], status): count
            for one in summary["data"]
            for status, count in one["counts"].items()
            if count
        }
    )


async def test_the_summary_agrees_with_the_rows(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    good = await api.create(an_api_trigger(receiver.url(), name="good"))
    await fired(api, good, 4)
    await functions.work(settings.deliveries_queue_url)
    receiver.answer(500)
    retried = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [0, 3600]}))
    doomed = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [0]}))
    await fired(api, retried, 2)
    await fired(api, doomed, 3)
    await functions.work(settings.deliveries_queue_url)
    await fired(api, good, 1)  # not delivered yet

    summary = await api.get(SUMMARY, hours=1)
    assert summarised(summary) == rows(api)
    assert summary["counts"] == dict(zip(STATUSES, (3, 0, 0, 4, 3), strict=True))
    assert summary["total"] == 10
    first = summary["data"][0]
    assert (first["trigger_id"], first["trigger_name"], first["total"]) == (good["id"], "good", 5)
    assert all(set(one["counts"]) == set(STATUSES) for one in summary["data"])


async def test_only_what_fired_in_the_last_hours_counts_by_whole_minutes(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    for hours in (0, 1.5, 47.5):
        event = await api.fire(trigger, b'{"id": 1}')
        api.sql(
            "UPDATE event_logs_active SET fired_at = now() - make_interval(secs => %s)"
            " WHERE id = %s",
            hours * 3600 + 1,
            event,
        )
    await functions.work(settings.deliveries_queue_url)
    await functions.retention()
    assert summarised(await api.get(SUMMARY)) == rows(api)
    assert [(await api.get(SUMMARY, hours=h))["total"] for h in (1, 2, 47, 48)] == [1, 2, 2, 3]
    summary = await api.get(SUMMARY, hours=2)
    since, until = (datetime.fromisoformat(summary[name]) for name in ("from", "to"))
    assert (since.second, since.microsecond) == (0, 0)
    assert timedelta(0) <= since - (until - timedelta(hours=2)) < timedelta(minutes=1)
    assert abs(until - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_deleted_trigger_keeps_its_counts_without_a_name(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    await fired(api, trigger, 1)
    await functions.work(settings.deliveries_queue_url)
    await api.http.delete(f"/api/v1/triggers/{trigger['id']}")
    [one] = (await api.get(SUMMARY))["data"]
    assert (one["trigger_id"], one["trigger_name"]) == (trigger["id"], None)
    assert one["counts"]["success"] == 1


async def test_an_empty_summary_has_every_status_at_zero(api: Api) -> None:
    summary = await api.get(SUMMARY)
    assert summary["counts"] == dict.fromkeys(STATUSES, 0)
    assert (summary["total"], summary["data"]) == (0, [])


async def test_another_projects_events_are_not_counted(api: Api) -> None:
    await fired(api, await api.create(an_api_trigger("https://example.com/hook")), 2)
    stranger = an_api_key(api, "tf_stranger_0123456789", "events:read")
    assert (await api.http.get(SUMMARY, headers=stranger)).json()["total"] == 0
    unfit = an_api_key(api, "tf_unfit_0123456789abc", "triggers:read", "triggers:write")
    assert_refused(await api.http.get(SUMMARY, headers=unfit), 403)
    assert_refused(await api.http.get(SUMMARY, headers={"authorization": "Bearer nothing"}), 401)


@pytest.mark.parametrize("query", ["hours=0", "hours=49", "hours=x", "hours=", "hours=1.5"])
async def test_hours_are_between_1_and_48(api: Api, query: str) -> None:
    assert_refused(await api.http.get(f"{SUMMARY}?{query}"), 400, "hours")


async def test_unknown_and_repeated_parameters_are_refused(api: Api) -> None:
    assert_refused(await api.http.get(f"{SUMMARY}?days=1"), 400, "days")
    assert_refused(await api.http.get(f"{SUMMARY}?hours=1&hours=2"), 400, "hours")
    assert_refused(await post_json(api.http, SUMMARY, b"{}"), 405)
