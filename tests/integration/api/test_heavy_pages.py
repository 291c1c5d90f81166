"""Lists of what is large: a page ends early, and the pages together show everything once."""

import json
from typing import Any

from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.imports import JOBS, a_line, imported
from tests.integration.lanes import Api
from triggerfish.domain.page import PAGE_BYTES
from triggerfish.settings import Settings

HOOK = "https://example.com/hook"
LARGE = "x" * 200_000
MANY = 24  # more than a page holds of them


async def pages(api: Api, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.http.get(path, params={"limit": 250, **query, **cursor})
        assert len(answer.content) < 1.3 * PAGE_BYTES
        page = answer.json()
        found.append(page["data"])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def shown(found: list[list[dict[str, Any]]], name: str = "id") -> list[Any]:
    """What the pages show, of which there is more than one, and each is full but the last."""
    assert [len(page) for page in found] == [PAGE_BYTES // len(LARGE) + 1, len(found[-1])]
    return [one[name] for page in found for one in page]


async def test_events_and_revisions(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK, schema={}))
    fired = [await api.fire(trigger, json.dumps({"id": 1, "text": LARGE})) for _ in range(MANY)]
    assert shown(await pages(api, "/api/v1/event-logs")) == fired[::-1]
    path = f"/api/v1/triggers/{(await api.create(a_scheduled_trigger(HOOK)))['id']}"
    for number in range(MANY):
        await api.http.patch(path, json={"payload": [LARGE, number]})
    found = await pages(api, f"{path}/revisions")
    assert shown(found, "revision") == list(range(MANY + 1, 0, -1))


async def test_triggers(api: Api) -> None:
    made = [await api.create(a_scheduled_trigger(HOOK, payload=LARGE)) for _ in range(MANY)]
    found = await pages(api, "/api/v1/triggers")
    assert shown(found) == [trigger["id"] for trigger in reversed(made)]


async def test_lines_of_an_import(api: Api, settings: Settings) -> None:
    content = b"\n".join(a_line(n, message=LARGE) for n in range(1, MANY + 1))
    job = await imported(api, settings, content)
    found = await pages(api, f"{JOBS}/{job['id']}/entries")
    assert shown(found, "line") == list(range(1, MANY + 1))
