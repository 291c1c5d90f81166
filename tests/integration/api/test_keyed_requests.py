"""`Idempotency-Key` on every call that creates, `If-Match` on every change, `Location` of what was made."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import functions
from tests.factories import a_catalogue_event, a_scheduled_trigger, an_api_trigger
from tests.integration.imports import UPLOAD, a_line, lines, upload
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from triggerfish.settings import Settings

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"


async def calls(api: Api) -> list[tuple[str, dict[str, Any]]]:
    """Every call that creates something, but for uploads: path and body."""
    trigger = await api.create(an_api_trigger(HOOK))
    event = await api.fire(trigger, b'{"id": 1}')
    job = await upload(api, a_line())
    key = await api.http.post("/api/v1/keys", json={"name": "old", "scopes": ["jobs:read"]})
    definition = a_scheduled_trigger(HOOK)
    return [
        (TRIGGERS, definition),
        (f"{TRIGGERS}/batch", {"triggers": [definition, definition]}),
        (f"{TRIGGERS}/{trigger['id']}/test-run", {"payload": {"id": 1}}),
        ("/api/v1/test-runs", definition),
        (f"/api/v1/event-logs/{event}/replay", {}),
        ("/api/v1/event-logs/replay", {"trigger_id": trigger["id"]}),
        ("/api/v1/keys", {"name": "new", "scopes": ["jobs:read"]}),
        (f"/api/v1/keys/{key.json()['id']}/rotate", {}),
        ("/api/v1/projects", {"name": "another"}),
        ("/events", a_catalogue_event()),
        (f"/api/v1/jobs/{job}/tickets", {}),
    ]


def keyed() -> dict[str, str]:
    return {"idempotency-key": uuid4().hex}


async def test_every_call_that_creates_is_carried_out_once_for_a_key(api: Api) -> None:
    for path, body in await calls(api):
        headers = keyed()
        first = await api.http.post(path, json=body, headers=headers)
        assert first.is_success, (path, first.text)
        assert "idempotent-replayed" not in first.headers
        stored = counted(api)
        again = await api.http.post(path, json=body, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert again.headers["idempotent-replayed"] == "true"
        for name in ("location", "cache-control", "content-type"):
            assert again.headers.get(name) == first.headers.get(name), (path, name)
        assert counted(api) == stored, path
        other = await api.http.post(path, json={"other": True}, headers=headers)
        assert_refused(other, 422)
        assert counted(api) == stored, path


def counted(api: Api) -> list[Any]:
    names = ("triggers", "event_logs_active", "api_keys", "projects", "catalogue_events")
    tables = (*names, "jobs", "job_tickets")
    return [api.sql(f"SELECT count(*) FROM {table}") for table in tables]


async def test_an_upload_is_taken_once_for_a_key(api: Api) -> None:
    async def send(content: bytes, name: str = "a.jsonl") -> httpx.Response:
        return await api.http.post(UPLOAD, files={"file": (name, content)}, headers=headers)

    headers = keyed()
    first, again = await send(lines(100)), await send(lines(100))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.headers["location"] == f"/api/v1/jobs/{first.json()['job_id']}"
    assert_refused(await send(lines(99)), 422)
    assert_refused(await send(lines(100), "b.jsonl"), 422)
    assert api.sql("SELECT count(*) FROM jobs") == [(1,)]


async def test_of_many_at_the_same_time_one_is_carried_out(api: Api) -> None:
    headers, body = keyed(), a_scheduled_trigger(HOOK)
    answers = await asyncio.gather(
        *(api.http.post(TRIGGERS, json=body, headers=headers) for _ in range(8))
    )
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(set(made)) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert api.stored()["triggers"] == 1


async def test_a_request_that_fails_gives_its_key_back(api: Api) -> None:
    headers = keyed()
    assert_refused(await api.http.post(TRIGGERS, json={"type": "x"}, headers=headers), 400)
    fixed = await api.http.post(TRIGGERS, json=a_scheduled_trigger(HOOK), headers=headers)
    assert fixed.status_code == 201


async def test_a_key_belongs_to_its_project_and_its_path(api: Api) -> None:
    headers, body = keyed(), a_scheduled_trigger(HOOK)
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:write")
    first = await api.http.post(TRIGGERS, json=body, headers=headers)
    other = await api.http.post(TRIGGERS, json=body, headers=headers | stranger)
    tested = await api.http.post("/api/v1/test-runs", json=body, headers=headers)
    assert [first.status_code, other.status_code, tested.status_code] == [201, 201, 202]
    assert first.json()["id"] != other.json()["id"]


async def test_a_claim_whose_process_died_ends(api: Api) -> None:
    headers, body = keyed(), a_scheduled_trigger(HOOK)
    await api.http.post(TRIGGERS, json=body, headers=headers)
    api.sql("UPDATE idempotent_requests SET status = NULL, answer = NULL, request_hash = NULL")
    assert_refused(await api.http.post(TRIGGERS, json=body, headers=headers), 409)
    api.sql("UPDATE idempotent_requests SET claimed_until = now()")
    assert (await api.http.post(TRIGGERS, json=body, headers=headers)).status_code == 201


async def test_a_key_is_forgotten_after_its_day(api: Api) -> None:
    headers, body = keyed(), a_scheduled_trigger(HOOK)
    await api.http.post(TRIGGERS, json=body, headers=headers)
    api.sql("UPDATE idempotent_requests SET expires_at = now()")
    again = await api.http.post(TRIGGERS, json=body | {"name": "other"}, headers=headers)
    assert (again.status_code, again.json()["name"]) == (201, "other")


async def test_an_answer_is_kept_without_its_secrets_in_the_clear(api: Api) -> None:
    made = await api.http.post(TRIGGERS, json=a_scheduled_trigger(HOOK), headers=keyed())
    [(answer,)] = api.sql("SELECT answer FROM idempotent_requests")
    assert answer.startswith("sealed:")
    assert made.json()["signing_secret"] not in answer


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ü"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    headers = {b"idempotency-key": key.encode()}
    answer = await api.http.post(TRIGGERS, json=a_scheduled_trigger(HOOK), headers=headers)
    assert_refused(answer, 400, "Idempotency-Key")
    assert api.stored()["triggers"] == 0


async def test_what_was_made_says_where_it_is(api: Api) -> None:
    for path, body in await calls(api):
        made = await api.http.post(path, json=body)
        if made.status_code != 201:
            continue
        location = made.headers["location"]
        if location.startswith(("/api/v1/triggers", "/api/v1/keys")):
            assert (await api.get(location))["id"] == made.json()["id"]
        elif location.startswith("/events"):
            assert location == f"/events/{made.json()['id']}"
        else:
            assert location.startswith(("/ws/jobs/", "/api/v1/projects"))


async def changed(api: Api, method: str, path: str, etag: str, **options: Any) -> httpx.Response:
    return await api.http.request(method, path, headers={"if-match": etag}, **options)


async def test_a_trigger_is_changed_by_those_who_saw_it_as_it_is(api: Api) -> None:
    path = f"{TRIGGERS}/{(await api.create(a_scheduled_trigger(HOOK)))['id']}"
    seen = (await api.http.get(path)).headers["etag"]
    api.sql("UPDATE triggers SET fired_count = fired_count + 1")  # moves by itself
    edited = await changed(api, "PATCH", path, seen, json={"name": "one"})
    assert edited.status_code == 200
    stale = await changed(api, "PATCH", path, seen, json={"name": "two"})
    assert_refused(stale, 412)
    assert_refused(await changed(api, "DELETE", path, seen), 412)
    assert (await api.get(path))["name"] == "one"
    paused = await api.http.post(f"{path}/pause")
    assert paused.status_code == 200
    assert_refused(await changed(api, "DELETE", path, edited.headers["etag"]), 412)
    present = (await api.http.get(path)).headers["etag"]
    listed = f'"other", {present}'
    assert (await changed(api, "PATCH", path, listed, json={"name": "2"})).status_code == 200
    assert (await changed(api, "PATCH", path, "*", json={"name": "3"})).status_code == 200
    present = (await api.http.get(path, headers={"accept-encoding": "gzip"})).headers["etag"]
    assert (await changed(api, "DELETE", path, present)).status_code == 204
    assert_refused(await changed(api, "DELETE", path, present), 404)


async def test_an_event_of_the_catalogue_is_changed_by_those_who_saw_it_as_it_is(api: Api) -> None:
    made = await api.http.post("/events", json=a_catalogue_event(status="DRAFT"))
    path, seen = made.headers["location"], made.headers["etag"]
    published = await changed(api, "PATCH", path, seen, json={"status": "PUBLISHED"})
    assert published.status_code == 200
    assert_refused(await changed(api, "PATCH", path, seen, json={"status": "CANCELLED"}), 412)
    present = published.headers["etag"]
    assert (await changed(api, "PATCH", path, present, json={"status": "CANCELLED"})).is_success


async def test_an_import_is_deleted_by_those_who_saw_it_as_it_is(
    api: Api, settings: Settings
) -> None:
    path = f"/api/v1/jobs/{await upload(api, a_line())}"
    seen = (await api.http.get(path)).headers["etag"]
    await functions.work_imports(settings.imports_queue_url)
    assert_refused(await changed(api, "DELETE", path, seen), 412)
    present = (await api.http.get(path)).headers["etag"]
    assert (await changed(api, "DELETE", path, present)).status_code == 204
