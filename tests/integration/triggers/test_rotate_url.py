"""Rotating a webhook URL: the new one works at once, the old one until its grace is over."""

from typing import Any

import pytest

from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, post_json
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.rotate_url import rotate_url
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
BODY = b'{"id": 1}'


async def rotate(parts: Wiring, caller: Principal, trigger: Trigger, grace_seconds: int) -> Trigger:
    body = {"grace_seconds": grace_seconds}
    return (await rotate_url(trigger.id, body, caller, parts.rotate_url)).trigger


async def test_the_old_url_works_until_its_grace_is_over_though_it_is_remembered(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    old = await create(parts, caller, an_api_trigger(HOOK))
    await fire(parts, old, BODY)
    new = await rotate(parts, caller, old, 60)
    await fire(parts, new, BODY)
    clock.advance(seconds=59)
    await fire(parts, old, BODY)
    clock.advance(seconds=1)
    with pytest.raises(NotFound):
        await fire(parts, old, BODY)
    await fire(parts, new, BODY)


async def test_without_a_grace_the_old_url_is_closed_at_once(
    parts: Wiring, caller: Principal
) -> None:
    old = await create(parts, caller, an_api_trigger(HOOK))
    await fire(parts, old, BODY)
    new = await rotate(parts, caller, old, 0)
    with pytest.raises(NotFound):
        await fire(parts, old, BODY)
    await fire(parts, new, BODY)


async def test_a_grace_bounds_all_earlier_urls(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    first = await create(parts, caller, an_api_trigger(HOOK))
    second = await rotate(parts, caller, first, 3600)
    third = await rotate(parts, caller, second, 60)
    for each in (first, second, third):
        await fire(parts, each, BODY)
    clock.advance(seconds=60)
    for each in (first, second):
        with pytest.raises(NotFound):
            await fire(parts, each, BODY)
    await rotate(parts, caller, third, 0)


async def test_a_rotation_answers_the_new_url_and_the_end_of_the_old_one(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    url = f"/api/v1/triggers/{trigger['id']}/rotate-url"
    answer = await api.http.post(url)
    assert answer.status_code == 200
    rotated = answer.json()
    assert rotated["webhook_url"] != trigger["webhook_url"]
    assert rotated["previous_url_valid_until"][:10] > rotated["updated_at"][:10]
    assert rotated["revision"] == 1
    await api.fire(trigger, BODY)
    await api.fire(rotated, BODY)
    again = (await api.http.post(url, json={"grace_seconds": 0})).json()
    for old in (trigger, rotated):
        assert_refused(await post_json(api.http, old["webhook_url"], BODY), 404)
    await api.fire(again, BODY)
    assert (await api.http.delete(f"/api/v1/triggers/{trigger['id']}")).status_code == 204
    assert_refused(await post_json(api.http, again["webhook_url"], BODY), 404)
    assert api.sql("SELECT count(*) FROM previous_webhook_tokens") == [(0,)]


async def test_a_wrong_rotation_names_its_field_and_changes_nothing(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    url = f"/api/v1/triggers/{trigger['id']}/rotate-url"
    graces: list[Any] = [-1, 604_801, 1.5, True, "60", None, [], 10**300]
    for grace in graces:
        answer = await api.http.post(url, json={"grace_seconds": grace})
        assert_refused(answer, 400, "grace_seconds")
    assert_refused(await api.http.post(url, json={"grace": 1}), 400, "grace")
    assert_refused(await api.http.post(url, json=[]), 400, "body")
    await api.fire(trigger, BODY)
    scheduled = await api.create(a_scheduled_trigger(HOOK))
    answer = await api.http.post(f"/api/v1/triggers/{scheduled['id']}/rotate-url")
    assert_refused(answer, 409)
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    assert_refused(await api.http.post(url, headers=stranger), 404)
