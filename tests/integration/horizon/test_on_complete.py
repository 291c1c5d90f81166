"""An import's end fires the API trigger that its upload named: once, and told to the customer."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests import functions
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.imports import JOBS, UPLOAD, a_line, lines
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings
from triggerfish.wiring import wiring


async def upload(api: Api, trigger_id: str, content: bytes) -> str:
    files = {"file": ("app.jsonl", content)}
    answer = await api.http.post(UPLOAD, files=files, params={"on_complete": trigger_id})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


async def ended(api: Api, settings: Settings, job_id: str) -> dict[str, Any]:
    await functions.work_imports(settings.imports_queue_url)
    return dict(await api.get(f"{JOBS}/{job_id}"))


async def test_the_end_of_an_import_is_a_delivered_webhook(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url("/imported"), schema={}))
    job_id = await upload(api, trigger["id"], lines(2) + b"bad\n")
    waiting = (await api.get(f"{JOBS}/{job_id}"))["on_complete"]
    assert waiting == {"trigger_id": trigger["id"], "event_id": None, "error": None}
    job = await ended(api, settings, job_id)
    event = await api.get(f"/api/v1/event-logs/{job['on_complete']['event_id']}")
    assert event["trigger_id"] == trigger["id"]
    assert event["payload"] == {
        "type": "import.completed",
        "job_id": job_id,
        "file_name": "app.jsonl",
        "sha256": job["sha256"],
        "accepted": 2,
        "rejected": 1,
        "error": None,
        "completed_at": job["completed_at"],
    }
    await functions.work(settings.deliveries_queue_url)
    [delivered] = receiver.deliveries
    assert json.loads(delivered.body) == event["payload"]


async def test_a_failed_import_fires_too(api: Api, settings: Settings) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook", schema={}))
    job_id = await upload(api, trigger["id"], lines(2))
    await wiring().object_store.delete(job_id)
    job = await ended(api, settings, job_id)
    event = await api.get(f"/api/v1/event-logs/{job['on_complete']['event_id']}")
    assert event["payload"]["type"] == "import.failed"
    assert event["payload"]["error"] == job["error"]


async def test_a_trigger_that_refuses_is_told_in_the_job(api: Api, settings: Settings) -> None:
    strict = await api.create(an_api_trigger("https://example.com/hook"))
    gone = await api.create(an_api_trigger("https://example.com/hook", schema={}))
    jobs = [await upload(api, trigger["id"], a_line()) for trigger in (strict, gone)]
    await api.http.delete(f"/api/v1/triggers/{gone['id']}")
    said = [(await ended(api, settings, job))["on_complete"]["error"] for job in jobs]
    assert said == [
        "The payload does not match the trigger's schema.",
        "There is no such API trigger any more.",
    ]
    assert (await api.get("/api/v1/event-logs"))["data"] == []


async def test_what_could_not_be_fired_is_fired_once_by_the_sweep(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook", schema={}))
    job_id = await upload(api, trigger["id"], a_line())

    async def away(*_: Any, **__: Any) -> None:
        raise TryLater("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(wiring().fire_on_complete.fire.keyed), "insert", away)
        job = await ended(api, settings, job_id)
    assert job["status"] == "completed"
    assert job["on_complete"]["event_id"] is None
    for fired in (1, 0):
        api.sql("UPDATE jobs SET resend_at = now() WHERE resend_at IS NOT NULL")
        assert (await functions.sweep_jobs())["fired"] == fired
    [event] = (await api.get("/api/v1/event-logs"))["data"]
    assert (await api.get(f"{JOBS}/{job_id}"))["on_complete"]["event_id"] == event["id"]


async def test_only_an_api_trigger_of_the_project_is_taken(api: Api) -> None:
    scheduled = await api.create(a_scheduled_trigger("https://example.com/hook"))
    mine = await api.create(an_api_trigger("https://example.com/hook"))
    other = an_api_key(api, "tf_other", "jobs:write")
    refused: list[tuple[str, dict[str, str]]] = [
        (scheduled["id"], {}),
        (str(uuid4()), {}),
        ("no-id", {}),
        (mine["id"], other),
    ]
    for id, headers in refused:
        files = {"file": ("app.jsonl", a_line())}
        answer = await api.http.post(
            UPLOAD, files=files, params={"on_complete": id}, headers=headers
        )
        assert_refused(answer, 400, "on_complete")
    assert api.sql("SELECT id FROM jobs") == []
