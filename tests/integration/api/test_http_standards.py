"""HTTP's own rules on the real functions, through both lanes."""

import gzip
import json
import re

import pytest

from tests.documented import DOCUMENT
from tests.factories import a_catalogue_event, an_api_trigger
from tests.integration.imports import a_line, upload
from tests.integration.lanes import Api, assert_refused
from triggerfish.edge.cors import VARIABLE

HOOK = "https://example.com/hook"
READS = sorted(path for path, item in DOCUMENT["paths"].items() if "get" in item)
COUNTED = ("x-request-id", "ratelimit", "content-length")  # differ between any two answers


async def ids(api: Api) -> dict[str, str]:
    """One of everything that a path may name."""
    trigger = await api.create(an_api_trigger(HOOK))
    published = await api.http.post("/events", json=a_catalogue_event(status="PUBLISHED"))
    key = await api.http.post("/api/v1/keys", json={"name": "x", "scopes": ["triggers:read"]})
    return {
        "trigger_id": trigger["id"],
        "event_id": await api.fire(trigger, b'{"id": 1}'),
        "job_id": await upload(api, a_line()),
        "key_id": key.json()["id"],
        "id": published.json()["id"],
        "asset": "init.js",
    }


async def test_every_read_has_a_head_and_every_path_its_options(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_HORIZON_WATCH_SECONDS", "1")
    known = await ids(api)
    for template, item in DOCUMENT["paths"].items():
        path = re.sub(r"{(\w+)}", lambda found: known.get(found[1], "x"), template)
        if "get" in item and not path.endswith("/stream"):
            got, head = await api.http.get(path), await api.http.head(path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert [n for n in got.headers if n not in COUNTED] == [
                n for n in head.headers if n not in COUNTED
            ], path
        options = await api.http.options(path)
        assert (options.status_code, options.content) == (204, b""), path
        allowed = set(options.headers["allow"].lower().split(", "))
        assert allowed - {"head", "options"} == set(item) & {
            "get",
            "post",
            "put",
            "patch",
            "delete",
        }
        assert ("head" in allowed) == ("get" in item)


async def test_head_of_a_stream_ends_at_once(api: Api) -> None:
    job_id = await upload(api, a_line())
    head = await api.http.head(f"/api/v1/jobs/{job_id}/stream")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_near_miss_says_which_path_was_meant(api: Api) -> None:
    for path, meant in (("/api/v1/triggers/", "/api/v1/triggers?"), ("/healthz", "/health?")):
        for method in ("GET", "POST", "OPTIONS"):
            answer = await api.http.request(method, path)
            assert_refused(answer, 404)
            assert f" {meant}" in answer.json()["error"]["message"]
    head = await api.http.head("/api/v1/triggers/")
    assert (head.status_code, head.content) == (404, b"")


async def test_origins_are_let_in_by_the_setting(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    site = {"origin": "https://app.example.com"}
    allowed = "access-control-allow-origin"
    assert allowed not in (await api.http.get("/api/v1/triggers", headers=site)).headers
    for path in ("/public/events", "/openapi.json"):
        assert (await api.http.get(path, headers=site)).headers[allowed] == "*"
    monkeypatch.setenv(VARIABLE, "https://app.example.com")
    asked = site | {"access-control-request-method": "PATCH"}
    opened = await api.http.options("/api/v1/triggers/x", headers=asked)
    assert (opened.status_code, opened.headers[allowed]) == (204, site["origin"])
    assert "PATCH" in opened.headers["access-control-allow-methods"]
    listed = await api.http.get("/api/v1/triggers", headers=site)
    assert listed.headers[allowed] == site["origin"]
    assert "origin" in listed.headers["vary"]


async def test_a_webhook_takes_gzip_and_delivers_its_content(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    payload = json.dumps({"id": 1, "text": "x" * 1000})
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    body = gzip.compress(payload.encode())
    answer = await api.http.post(trigger["webhook_url"], content=body, headers=headers)
    assert answer.status_code == 202
    assert api.sql("SELECT payload FROM event_logs_active") == [(payload,)]
    bomb = gzip.compress(b'{"id": 1, "text": "' + b" " * 20_000_000 + b'"}')
    refused = await api.http.post(trigger["webhook_url"], content=bomb, headers=headers)
    assert_refused(refused, 413)
    other = headers | {"content-encoding": "br"}
    assert_refused(await api.http.post(trigger["webhook_url"], content=b"{}", headers=other), 415)
    assert_refused(await api.http.post("/api/v1/triggers", content=body, headers=headers), 415)
    assert api.stored()["event_logs_active"] == 1


async def test_large_answers_are_compressed_for_those_who_take_it(api: Api) -> None:
    for _ in range(3):
        await api.create(an_api_trigger(HOOK))
    packed = await api.http.get("/api/v1/triggers", headers={"accept-encoding": "gzip"})
    plain = await api.http.get("/api/v1/triggers", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert {"accept-encoding", "authorization"} <= set(
        re.split(r",\s*", packed.headers["vary"].lower())
    )


async def test_an_answer_says_what_its_caller_may_still_send(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    listed = [await api.http.get("/api/v1/triggers") for _ in range(2)]
    fired = await api.http.post(trigger["webhook_url"], json={"id": 1})
    policies = [answer.headers["ratelimit-policy"] for answer in (*listed, fired)]
    assert policies == ['"key";q=10000;w=5'] * 2 + ['"webhook";q=10000;w=5']
    assert all(re.fullmatch(r'"key";r=\d+;t=\d+', answer.headers["ratelimit"]) for answer in listed)
    assert "ratelimit" not in (await api.http.get("/health/live")).headers
