"""Many triggers by one request: each judged as if it had come alone, all in one transaction."""

import asyncio
import json
from typing import Any

import pytest

from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.access.test_limits import Limited, limited, statements
from tests.integration.bad_input.table import NAMED_WITHIN, WRONG_VALUES, changed
from tests.integration.lanes import Api, assert_refused, post_json
from triggerfish.domain.access import Principal
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.wiring import Wiring

__all__ = ["limited"]

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"
BATCH = f"{TRIGGERS}/batch"


async def results(api: Api, triggers: list[Any]) -> list[dict[str, Any]]:
    answer = await post_json(api.http, BATCH, json.dumps({"triggers": triggers}))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    found: list[dict[str, Any]] = body["results"]
    assert len(found) == len(triggers)
    assert body["created"] == sum("trigger" in one for one in found)
    assert body["refused"] == sum("error" in one for one in found)
    return found


async def test_good_ones_are_stored_and_each_bad_one_has_its_error_at_its_place(api: Api) -> None:
    good = a_scheduled_trigger(HOOK, name="first", schedule={"in": "1h"})
    found = await results(api, [good, {"type": "cron"}, 5, an_api_trigger(HOOK, name="last")])
    assert [list(one) for one in found] == [["trigger"], ["error"], ["error"], ["trigger"]]
    assert [one["error"]["details"][0]["field"] for one in found[1:3]] == ["type", "body"]
    assert api.stored()["triggers"] == api.stored()["trigger_revisions"] == 2
    for created in (found[0]["trigger"], found[3]["trigger"]):
        assert created.pop("signing_secret").startswith("whsec_")
        assert created.pop("warnings", []) == []
        assert created == await api.get(f"{TRIGGERS}/{created['id']}")
    await api.fire(found[3]["trigger"], b'{"id": 1}')


async def test_a_wrong_definition_gets_the_error_that_it_would_get_alone(api: Api) -> None:
    wrong = [changed(base, field, values[0]) for base, field, values in WRONG_VALUES]
    wrong += [body for body, _ in NAMED_WITHIN]
    found = await results(api, wrong)
    for body, result in zip(wrong, found, strict=True):
        alone = (await post_json(api.http, TRIGGERS, json.dumps(body))).json()
        assert result["error"] | {"request_id": ""} == alone["error"] | {"request_id": ""}
    assert api.stored()["triggers"] == 0


async def test_what_is_due_within_the_look_ahead_fires_at_once(api: Api) -> None:
    soon = a_scheduled_trigger(HOOK, schedule={"in": "1s"})
    later = a_scheduled_trigger(HOOK, schedule={"in": "1h"})
    made = await results(api, [soon, later, soon])
    events = (await api.get("/api/v1/event-logs"))["data"]
    fired = {event["trigger_id"] for event in events}
    # No event is listed before it is due, so ask for the rows.
    rows = api.sql("SELECT trigger_id::text FROM event_logs_active")
    assert fired | {id for (id,) in rows} == {made[0]["trigger"]["id"], made[2]["trigger"]["id"]}


NO_BATCHES: list[Any] = [
    {},
    [],
    {"triggers": None},
    {"triggers": {}},
    {"triggers": "all"},
    {"triggers": []},
    {"triggers": [{}] * 1_001},
    {"triggers": [{}], "dry_run": True},
]


@pytest.mark.parametrize("body", NO_BATCHES, ids=lambda body: json.dumps(body)[:30])
async def test_a_body_that_is_no_batch_is_refused(api: Api, body: object) -> None:
    assert_refused(await post_json(api.http, BATCH, json.dumps(body)), 400)


async def test_the_limits_of_one_request_hold_for_each_of_a_batch(api: Api) -> None:
    wide = a_scheduled_trigger(HOOK, schedule={"in": "1h"}, payload=[0] * 10_000)
    good = a_scheduled_trigger(HOOK, schedule={"in": "1h"})
    found = await results(api, [wide, good])
    assert [list(one) for one in found] == [["error"], ["trigger"]]
    alone = await post_json(api.http, TRIGGERS, json.dumps(wide))
    assert found[0]["error"]["details"] == alone.json()["error"]["details"]
    assert_refused(await post_json(api.http, BATCH, b"[" + b"0," * 2**20 + b"0]"), 413)


async def test_a_thousand_are_stored_in_one_transaction(api: Api) -> None:
    found = await results(api, [a_scheduled_trigger(HOOK, schedule={"in": "1h"})] * 1_000)
    assert len({one["trigger"]["id"] for one in found}) == 1_000
    [(transactions,)] = api.sql("SELECT count(DISTINCT xmin::text) FROM triggers")
    assert transactions == 1


@pytest.mark.attack("floods: rates, quotas")
async def test_batches_fill_a_projects_room_exactly_even_side_by_side(limited: Limited) -> None:
    async with limited(TRIGGERFISH_TRIGGERS_PER_PROJECT="10") as api:
        new = [a_scheduled_trigger(HOOK, schedule={"in": "1h"})] * 4
        answers = await asyncio.gather(*(results(api, new) for _ in range(4)))
        errors = [one["error"] for found in answers for one in found if "error" in one]
        assert [error["code"] for error in errors] == ["CONFLICT"] * 6
        assert api.stored()["triggers"] == 10
        assert_refused(await api.http.post(TRIGGERS, json=new[0]), 409)


async def test_creations_that_come_together_share_few_commits(
    parts: Wiring, caller: Principal
) -> None:
    seen = statements(parts)
    body = a_scheduled_trigger(HOOK, schedule={"in": "1h"})
    made = await asyncio.gather(
        *(create_trigger(body, caller, parts.create_trigger) for _ in range(50))
    )
    assert len({trigger.id for trigger in made}) == 50
    assert len(seen) <= 4
