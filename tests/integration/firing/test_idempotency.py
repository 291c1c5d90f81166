"""Idempotency-Key on a webhook: one event and one delivery however often the call is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, logs
from tests.integration.lanes import Api, assert_refused, post_json
from tests.integration.rows import count
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, KeyReused, NotFound
from triggerfish.domain.idempotency import keyed_request
from triggerfish.domain.trigger import Trigger
from triggerfish.settings import Settings
from triggerfish.usecases.change_trigger import pause_trigger
from triggerfish.usecases.fire_webhook import Accepted, fire_webhook
from triggerfish.usecases.rotate_url import rotate_url
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"


async def call(
    api: Api, trigger: dict[str, Any], key: str, body: bytes = b'{"id": 1}'
) -> httpx.Response:
    return await post_json(api.http, trigger["webhook_url"], body, **{"idempotency-key": key})


async def fire(parts: Wiring, trigger: Trigger, key: str, body: bytes = b'{"id": 1}') -> Accepted:
    assert trigger.webhook_token is not None
    request = keyed_request([key], body)
    return await fire_webhook(trigger.webhook_token, body, parts.fire_webhook, request=request)


async def test_the_same_call_again_is_answered_with_the_first_event(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    first, again = await call(api, trigger, "order-1"), await call(api, trigger, "order-1")
    await functions.work(settings.deliveries_queue_url)
    later = await call(api, trigger, "order-1")
    await functions.work(settings.deliveries_queue_url)
    for answer in (first, again, later):
        assert answer.status_code == 202, answer.text
        assert answer.json() == first.json()
    replayed = [one.headers.get("idempotent-replayed") for one in (first, again, later)]
    assert replayed == [None, "true", "true"]
    assert len(receiver.deliveries) == 1
    assert api.stored()["event_logs_active"] == 1


async def test_fifty_calls_at_once_make_one_event_and_one_delivery(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    answers = await asyncio.gather(*(call(api, trigger, "order-1") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    assert [one.headers.get("idempotent-replayed") for one in answers].count(None) == 1
    await functions.work(settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1
    assert api.stored()["event_logs_active"] == 1


async def test_a_key_with_another_body_is_refused_and_stores_nothing(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    await call(api, trigger, "order-1")
    answer = await call(api, trigger, "order-1", b'{"id": 2}')
    assert_refused(answer, 422)
    assert answer.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert api.stored()["event_logs_active"] == 1


async def test_each_trigger_has_keys_of_its_own(api: Api) -> None:
    one, other = [await api.create(an_api_trigger(HOOK)) for _ in range(2)]
    answers = [await call(api, one, "order-1"), await call(api, other, "order-1", b'{"id": 2}')]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert api.stored()["event_logs_active"] == 2


async def test_a_refused_call_does_not_use_its_key_up(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    assert_refused(await call(api, trigger, "order-1", b'{"id": "x"}'), 400, "id")
    assert_refused(await call(api, trigger, "order-1", b"{"), 400)
    assert (await call(api, trigger, "order-1")).status_code == 202


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "é"])
async def test_what_is_no_key_is_refused_naming_the_header(api: Api, key: str) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", key.encode())]
    answer = await api.http.post(trigger["webhook_url"], content=b'{"id": 1}', headers=headers)
    assert_refused(answer, 400, "Idempotency-Key")
    assert api.stored()["event_logs_active"] == 0


async def test_the_same_call_is_answered_although_its_trigger_is_paused_by_now(
    parts: Wiring, caller: Principal, database_url: str
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    first = await fire(parts, trigger, "order-1")
    await pause_trigger(trigger.id, caller, parts.change_trigger)
    assert await fire(parts, trigger, "order-1") == Accepted(first.event_id, repeated=True)
    with pytest.raises(Conflict):
        await fire(parts, trigger, "order-2")
    assert count(database_url, "idempotency_keys") == 1


async def test_a_key_holds_across_a_new_url_and_the_old_url_tells_nothing_after_its_grace(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    old = await create(parts, caller, an_api_trigger(HOOK))
    first = await fire(parts, old, "order-1")
    raw = {"grace_seconds": 60}
    new = (await rotate_url(old.id, raw, caller, parts.rotate_url)).trigger
    again = Accepted(first.event_id, repeated=True)
    assert await fire(parts, old, "order-1") == await fire(parts, new, "order-1") == again
    clock.advance(seconds=60)
    assert await fire(parts, new, "order-1") == again
    for key in ("order-1", "order-2"):
        with pytest.raises(NotFound):
            await fire(parts, old, key)


async def test_a_key_is_kept_for_a_day_and_then_means_a_new_event(
    parts: Wiring, caller: Principal, clock: VirtualClock, database_url: str
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    first = await fire(parts, trigger, "order-1")
    clock.advance(hours=24, seconds=-1)
    await functions.retention()
    assert await fire(parts, trigger, "order-1") == Accepted(first.event_id, repeated=True)
    with pytest.raises(KeyReused):
        await fire(parts, trigger, "order-1", b'{"id": 2}')

    clock.advance(seconds=1)  # over, although retention has not run yet
    second = await fire(parts, trigger, "order-1", b'{"id": 2}')
    assert second.event_id != first.event_id
    assert await fire(parts, trigger, "order-1", b'{"id": 2}') == Accepted(second.event_id, True)
    assert count(database_url, "idempotency_keys") == 1
    clock.advance(hours=24)
    await functions.retention()
    assert count(database_url, "idempotency_keys") == 0


async def test_calls_without_a_key_are_never_taken_for_each_other(
    parts: Wiring, caller: Principal
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    assert trigger.webhook_token is not None
    for _ in range(2):
        await fire_webhook(trigger.webhook_token, b'{"id": 1}', parts.fire_webhook)
    assert len(await logs(parts, caller)) == 2
