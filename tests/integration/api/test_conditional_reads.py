"""Conditional reads: an unchanged page costs its reader no bytes, a changed one is sent again."""

import httpx
import pytest

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.settings import Settings

LOGS = "/api/v1/event-logs"
TRIGGERS = "/api/v1/triggers"


async def if_none_match(api: Api, path: str, etag: str) -> httpx.Response:
    return await api.http.get(path, headers={"if-none-match": etag})


async def test_an_unchanged_page_is_answered_304_without_a_body(api: Api) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    event = await api.fire(trigger, b'{"id": 1}')
    logs = (LOGS, f"{LOGS}?trigger_id={trigger['id']}&limit=1", f"{LOGS}/{event}")
    triggers = (TRIGGERS, f"{TRIGGERS}?type=api&limit=1", f"{TRIGGERS}/{trigger['id']}")
    for path in logs + triggers:
        first = await api.http.get(path)
        etag = first.headers["etag"]
        assert etag.startswith(('"', 'W/"'))
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
            again = await if_none_match(api, path, known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
            assert again.headers["cache-control"] == "private, no-cache"
            assert again.headers["x-request-id"]


async def test_a_changed_page_is_sent_with_a_new_etag(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    event = await api.fire(trigger, b'{"id": 1}')
    for path in (LOGS, f"{LOGS}/{event}"):
        before = (await api.http.get(path)).headers["etag"]
        await functions.work(settings.deliveries_queue_url)
        await api.fire(trigger, b'{"id": 2}')
        if path != LOGS:
            api.sql("UPDATE event_logs_active SET note = 'changed'")
        after = await if_none_match(api, path, before)
        assert after.status_code == 200
        assert after.headers["etag"] != before
        assert after.json()


@pytest.mark.parametrize("change", ["edit", "pause", "delete"])
async def test_a_changed_trigger_is_sent_with_a_new_etag(api: Api, change: str) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    one = f"{TRIGGERS}/{trigger['id']}"
    before = {path: (await api.http.get(path)).headers["etag"] for path in (TRIGGERS, one)}
    if change == "edit":
        await api.http.patch(one, json={"name": "other"})
    elif change == "pause":
        await api.http.post(f"{one}/pause")
    else:
        await api.http.delete(one)
    listed = await if_none_match(api, TRIGGERS, before[TRIGGERS])
    assert listed.status_code == 200
    assert listed.headers["etag"] != before[TRIGGERS]
    assert len(listed.json()["data"]) == (0 if change == "delete" else 1)
    looked_up = await if_none_match(api, one, before[one])
    assert looked_up.status_code == (404 if change == "delete" else 200)


@pytest.mark.parametrize("etag", ['W/"0"', '""', "W/", ",", "x" * 1000, '"*"'])
async def test_an_etag_that_is_not_ours_changes_nothing(api: Api, etag: str) -> None:
    answer = await if_none_match(api, LOGS, etag)
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_an_etag_does_not_open_what_the_key_may_not_see(api: Api) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    event = await api.fire(trigger, b'{"id": 1}')
    stranger = an_api_key(api, "tf_stranger_0123456789", "events:read", "triggers:read")
    for path in (f"{LOGS}/{event}", f"{TRIGGERS}/{trigger['id']}"):
        answer = await api.http.get(path, headers=stranger | {"if-none-match": "*"})
        assert_refused(answer, 404)
