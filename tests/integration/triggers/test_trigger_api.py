"""Triggers over HTTP: listed in stable pages, looked up, deleted, and seen by nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import Api, assert_refused
from triggerfish.domain.page import encode_cursor

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"


async def names(api: Api, **query: Any) -> list[str]:
    return [trigger["name"] for trigger in (await api.get(TRIGGERS, **query))["data"]]


async def test_triggers_are_listed_newest_first_and_filtered(api: Api) -> None:
    await api.create(an_api_trigger(HOOK, name="first"))
    second = await api.create(a_scheduled_trigger(HOOK, name="second", schedule={"in": "1h"}))
    await api.create(an_api_trigger(HOOK, name="third"))
    api.sql("UPDATE triggers SET status = 'paused' WHERE id = %s", second["id"])
    assert await names(api) == ["third", "second", "first"]
    assert await names(api, type="api") == ["third", "first"]
    assert await names(api, type="scheduled") == ["second"]
    assert await names(api, status="paused") == ["second"]
    assert await names(api, type="api", status="paused") == []
    [listed] = (await api.get(TRIGGERS, type="scheduled"))["data"]
    assert listed == await api.get(f"{TRIGGERS}/{second['id']}")
    assert "signing_secret" not in listed


async def test_pages_neither_repeat_nor_miss_while_triggers_come_and_go(api: Api) -> None:
    for n in range(7):
        await api.create(an_api_trigger(HOOK, name=str(n)))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get(TRIGGERS, limit=3, **cursor)
        seen += [trigger["name"] for trigger in page["data"]]
        assert len(page["data"]) <= 3
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await api.create(an_api_trigger(HOOK, name="new"))
        last = page["data"][-1]["id"]  # the cursor's own row goes away
        assert (await api.http.delete(f"{TRIGGERS}/{last}")).status_code == 204
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_pages_are_cut_right_where_many_triggers_share_one_instant(api: Api) -> None:
    for n in range(5):
        await api.create(an_api_trigger(HOOK, name=str(n)))
    api.sql("UPDATE triggers SET created_at = '2026-01-01T00:00:00Z'")
    first = await api.get(TRIGGERS, limit=2)
    second = await api.get(TRIGGERS, limit=3, cursor=first["next_cursor"])
    ids = [trigger["id"] for trigger in first["data"] + second["data"]]
    assert len(set(ids)) == 5
    assert second["next_cursor"] is None


async def test_a_forged_cursor_leads_to_no_row_that_the_caller_may_not_see(api: Api) -> None:
    await api.create(an_api_trigger(HOOK, name="mine"))
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read")
    late = encode_cursor(datetime(9998, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
    early = encode_cursor(datetime(1, 1, 2, tzinfo=UTC) - timedelta(hours=1), UUID(int=0))
    assert await names(api, cursor=late) == ["mine"]
    assert await names(api, cursor=early) == []
    answer = await api.http.get(TRIGGERS, params={"cursor": late}, headers=stranger)
    assert answer.json() == {"data": [], "next_cursor": None}
    for garbage in (late[:-4], late + "A", late.swapcase(), "null", "' OR 1=1 --"):
        assert_refused(await api.http.get(TRIGGERS, params={"cursor": garbage}), 400, "cursor")


async def test_another_projects_trigger_cannot_be_told_from_none(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    answers = []
    for id in (trigger["id"], str(uuid4())):
        for method in ("GET", "DELETE"):
            answer = await api.http.request(method, f"{TRIGGERS}/{id}", headers=stranger)
            assert_refused(answer, 404)
            error = answer.json()["error"]
            answers.append((error["code"], error["message"], error["details"]))
    assert len({str(answer) for answer in answers}) == 1
    assert (await api.http.get(TRIGGERS, headers=stranger)).json()["data"] == []
    assert await names(api) == ["orders"]


async def test_a_deleted_trigger_is_gone_and_stays_gone(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"in": "1h"}))
    deleted = await api.http.delete(f"{TRIGGERS}/{trigger['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_refused(await api.http.get(f"{TRIGGERS}/{trigger['id']}"), 404)
    assert_refused(await api.http.delete(f"{TRIGGERS}/{trigger['id']}"), 404)
    assert await names(api) == []


async def test_deleting_a_trigger_takes_back_what_it_has_not_yet_fired(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"in": "2s"}))
    assert api.stored()["event_logs_active"] == 1  # within the look-ahead: written at once
    await api.http.delete(f"{TRIGGERS}/{trigger['id']}")
    assert api.stored()["event_logs_active"] == 0


async def test_no_key_or_a_wrong_one_is_unauthorised(api: Api) -> None:
    mine = own_project(api)
    now = datetime.now(UTC)
    expired = an_api_key(
        api, "tf_expired_0123456789", "triggers:read", project_id=mine, expires_at=now
    )
    revoked = an_api_key(
        api, "tf_revoked_0123456789", "triggers:read", project_id=mine, revoked_at=now
    )
    same_beginning = {"authorization": f"Bearer {API_KEY[:12]}something-else"}
    nobody = {"authorization": "Bearer tf_nobody_0123456789"}
    for headers in (expired, revoked, same_beginning, nobody, {"authorization": ""}):
        answer = await api.http.get(TRIGGERS, headers=headers)
        assert_refused(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_taken_from_either_header(api: Api) -> None:
    for headers in (
        {"authorization": f"bearer {API_KEY}"},
        {"authorization": "", "x-api-key": API_KEY},
    ):
        assert (await api.http.get(TRIGGERS, headers=headers)).status_code == 200


async def test_a_key_without_the_scope_is_forbidden_and_changes_nothing(api: Api) -> None:
    mine = own_project(api)
    trigger = await api.create(an_api_trigger(HOOK))
    reader = an_api_key(api, "tf_reader_0123456789", "triggers:read", project_id=mine)
    writer = an_api_key(api, "tf_writer_0123456789", "triggers:write", project_id=mine)
    path = f"{TRIGGERS}/{trigger['id']}"
    assert (await api.http.get(path, headers=reader)).status_code == 200
    new = an_api_trigger(HOOK, name="new")
    assert_refused(await api.http.post(TRIGGERS, json=new, headers=reader), 403)
    assert_refused(await api.http.delete(path, headers=reader), 403)
    assert_refused(await api.http.get("/api/v1/event-logs", headers=reader), 403)
    assert_refused(await api.http.get(TRIGGERS, headers=writer), 403)
    assert await names(api) == ["orders"]
    assert (await api.http.post(TRIGGERS, json=new, headers=writer)).status_code == 201


async def test_a_schema_with_an_obvious_mistake_is_answered_with_a_warning(api: Api) -> None:
    mistaken = an_api_trigger(HOOK) | {"schema": {"id": "integer"}}
    created = await api.create(mistaken)
    assert [one["field"] for one in created["warnings"]] == ["schema.id"]
    path = f"{TRIGGERS}/{created['id']}"
    right = {"schema": {"properties": {"id": {"type": "integer"}}}}
    assert (await api.http.patch(path, json=right)).json()["warnings"] == []
    changed = (await api.http.patch(path, json={"schema": {"requird": ["id"]}})).json()
    assert [one["field"] for one in changed["warnings"]] == ["schema.requird"]
    assert "warnings" not in await api.get(path)
