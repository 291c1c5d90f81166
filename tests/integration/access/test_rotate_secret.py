"""Rotation of signing secrets: both sign during the overlap, then the new one alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.access.secrets import BODY, HOOK, rotate, stored, verifies
from tests.integration.actions import create, fire
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, post_json
from tests.receiver import Delivery, Receiver
from triggerfish.adapters.revisions import ROTATION_SECONDS
from triggerfish.domain.access import Principal
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.wiring import Wiring

TRIGGERS = "/api/v1/triggers"


async def deliver_one(parts: Wiring, trigger: Trigger, receiver: Receiver) -> Delivery:
    await fire(parts, trigger, BODY)
    await functions.work(parts.settings.deliveries_queue_url)
    return receiver.deliveries[-1]


async def test_both_secrets_sign_until_the_overlap_is_over(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    old = trigger.revision.secrets.present
    await deliver_one(parts, trigger, receiver)  # a worker remembers the secret
    rotated = await rotate(parts, caller, trigger, 60)
    new = rotated.revision.secrets.present
    assert rotated.revision.number == 1
    clock.advance(seconds=ROTATION_SECONDS)
    both = await deliver_one(parts, trigger, receiver)
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert verifies(new, both)
    assert verifies(old, both)
    clock.advance(seconds=60 - ROTATION_SECONDS)
    after = await deliver_one(parts, trigger, receiver)
    assert verifies(new, after)
    assert not verifies(old, after)


async def test_an_event_that_fired_before_is_retried_with_the_present_secrets(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [30]}
    trigger = await create(parts, caller, an_api_trigger(receiver.url(), retry=retry))
    first = await deliver_one(parts, trigger, receiver)
    await update_trigger(trigger.id, {"name": "renamed"}, caller, parts.change_trigger)
    rotated = await rotate(parts, caller, trigger, 0)
    clock.advance(seconds=60)  # the delay has jitter
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    second = receiver.deliveries[-1]
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert verifies(rotated.revision.secrets.present, second)
    assert not verifies(trigger.revision.secrets.present, second)


async def test_an_edit_during_the_overlap_keeps_both_secrets(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    rotated = await rotate(parts, caller, trigger, 60)
    edited = await update_trigger(trigger.id, {"name": "renamed"}, caller, parts.change_trigger)
    assert edited.revision.number == 2
    assert edited.revision.secrets == rotated.revision.secrets
    assert rotated.revision.secrets.previous == trigger.revision.secrets.present
    assert rotated.revision.secrets.previous_until == clock.now() + timedelta(seconds=60)
    again = await rotate(parts, caller, trigger, 60)
    assert again.revision.secrets.previous == rotated.revision.secrets.present


async def test_a_rotation_reveals_the_new_secret_once(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    url = f"{TRIGGERS}/{trigger['id']}/rotate-secret"
    answer = await api.http.post(url)
    assert answer.status_code == 200, answer.text
    rotated = answer.json()
    assert rotated["signing_secret"].startswith("whsec_")
    assert rotated["signing_secret"] != trigger["signing_secret"]
    assert rotated["previous_secret_valid_until"] > rotated["updated_at"]
    assert rotated["webhook_url"] == trigger["webhook_url"]
    for seen in (
        await api.get(f"{TRIGGERS}/{trigger['id']}"),
        await api.get(TRIGGERS),
        await api.get(f"{TRIGGERS}/{trigger['id']}/revisions"),
    ):
        assert "whsec_" not in str(seen)
    assert (await api.http.post(url, json={"overlap_seconds": 0})).status_code == 200


async def test_a_wrong_rotation_names_its_field_and_changes_nothing(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK))
    url = f"{TRIGGERS}/{trigger['id']}/rotate-secret"
    before = stored(api.database_url)
    wrong: list[tuple[Any, str]] = [
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"overlap_seconds": 604_801}, "overlap_seconds"),
        ({"overlap_seconds": True}, "overlap_seconds"),
        ({"overlap_seconds": None}, "overlap_seconds"),
        ({"grace_seconds": 1}, "grace_seconds"),
        ([], "body"),
    ]
    for body, field in wrong:
        assert_refused(await api.http.post(url, json=body), 400, field)
    assert_refused(await post_json(api.http, url, b"{"), 400)
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    assert_refused(await api.http.post(url, headers=stranger), 404)
    assert_refused(await api.http.post(f"{TRIGGERS}/{UUID(int=1)}/rotate-secret"), 404)
    assert stored(api.database_url) == before
