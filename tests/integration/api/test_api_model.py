"""Random sequences of requests against a small model: the API answers as the model says, always.

A state machine of hypothesis makes the sequences, and shrinks one that fails to its shortest form.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.lanes import LANES, NOBODY, Api, post_json, serving
from tests.invariants import assert_invariants
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate

TRIGGERS = "/api/v1/triggers"
LOGS = "/api/v1/event-logs"
ENDPOINT = "https://example.com/hook"
SEARCH = settings(
    max_examples=3,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
NAMES = st.sampled_from(["orders", "nightly", "ü", "x" * 200])
PAYLOADS = st.fixed_dictionaries(
    {"id": st.integers(-5, 5)}, optional={"note": st.text("aü☃", max_size=3)}
)


@dataclass
class Known:
    """A trigger as its customer knows it; `urls` lead to it."""

    id: str
    name: str
    type: str
    status: str = "active"
    revision: int = 1
    urls: list[str] = field(default_factory=list)
    dead_urls: list[str] = field(default_factory=list)


class Customer(RuleBasedStateMachine):
    """Makes requests and remembers; `api` and `runner` are set by the test."""

    api: Api
    runner: asyncio.Runner

    triggers = Bundle("triggers")
    hooks = Bundle("hooks")

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Known] = {}
        self.events: dict[str, dict[str, Any]] = {}  # id → what its log must say
        for trigger in self.get(TRIGGERS, limit=250)["data"]:  # of the sequence before
            self.request("DELETE", f"{TRIGGERS}/{trigger['id']}")

    # Requests

    def wait(self, work: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        return self.runner.run(work)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.wait(self.api.http.request(method, path, **options))

    def get(self, path: str, **query: Any) -> Any:
        answer = self.request("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # What a customer may do

    @rule(target=triggers, name=NAMES)
    def create_scheduled(self, name: str) -> Known:
        return self.created(a_scheduled_trigger(ENDPOINT, name=name, schedule={"every": "1h"}))

    @rule(target=hooks, name=NAMES)
    def create_api(self, name: str) -> Known:
        return self.created(an_api_trigger(ENDPOINT, name=name))

    def created(self, body: dict[str, Any]) -> Known:
        answer = self.request("POST", TRIGGERS, json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        known = Known(made["id"], body["name"], body["type"])
        if known.type == "api":
            known.urls.append(made["webhook_url"])
        self.known[known.id] = known
        return known

    @rule(known=triggers | hooks, name=NAMES)
    def rename(self, known: Known, name: str) -> None:
        answer = self.request("PATCH", f"{TRIGGERS}/{known.id}", json={"name": name})
        if self.is_gone(known, answer):
            return
        assert answer.status_code == 200, answer.text
        known.revision += known.name != name
        known.name = name

    @rule(known=triggers | hooks, verb=st.sampled_from(["pause", "resume"]))
    def pause_or_resume(self, known: Known, verb: str) -> None:
        answer = self.request("POST", f"{TRIGGERS}/{known.id}/{verb}")
        if self.is_gone(known, answer):
            return
        assert answer.status_code == 200, answer.text
        known.status = {"pause": "paused", "resume": "active"}[verb]

    @rule(known=consumes(triggers) | consumes(hooks))
    def delete(self, known: Known) -> None:
        answer = self.request("DELETE", f"{TRIGGERS}/{known.id}")
        if self.is_gone(known, answer):
            return
        assert answer.status_code == 204, answer.text
        del self.known[known.id]
        for url in known.urls:
            assert self.wait(post_json(self.api.http, url, b'{"id": 1}')).status_code == 404

    @rule(known=hooks)
    def rotate(self, known: Known) -> None:
        path = f"{TRIGGERS}/{known.id}/rotate-url"
        answer = self.request("POST", path, json={"grace_seconds": 0})
        if self.is_gone(known, answer):
            return
        assert answer.status_code == 200, answer.text
        known.dead_urls += known.urls
        known.urls = [answer.json()["webhook_url"]]

    @rule(known=hooks, payload=PAYLOADS, times=st.integers(1, 3))
    def call_with_key(self, known: Known, payload: dict[str, Any], times: int) -> None:
        """The same call, as often as its caller likes, is one event."""
        if known.id not in self.known:
            return
        key = f"key-{len(self.events)}"
        body = json.dumps(payload)
        answers = [
            self.wait(post_json(self.api.http, known.urls[0], body, **{"idempotency-key": key}))
            for _ in range(times)
        ]
        if known.status == "paused":
            assert {answer.status_code for answer in answers} == {409}
            return
        assert {answer.status_code for answer in answers} == {202}
        [event_id] = {answer.json()["event_id"] for answer in answers}
        self.expect(event_id, known, payload, source="api")

    @rule(known=hooks, payload=PAYLOADS)
    def call(self, known: Known, payload: dict[str, Any]) -> None:
        for url in known.dead_urls:
            assert self.wait(post_json(self.api.http, url, b'{"id": 1}')).status_code == 404
        answer = self.wait(post_json(self.api.http, known.urls[0], json.dumps(payload)))
        if known.id not in self.known:
            assert answer.status_code == 404
        elif known.status == "paused":
            assert answer.status_code == 409
        else:
            assert answer.status_code == 202, answer.text
            self.expect(answer.json()["event_id"], known, payload, source="api")

    @rule(known=hooks, payload=st.sampled_from([b"", b"{", b"[]", b'{"id": "1"}', b'{"id": 1.5}']))
    def call_wrongly(self, known: Known, payload: bytes) -> None:
        answer = self.wait(post_json(self.api.http, known.urls[0], payload))
        gone = known.id not in self.known
        # What is no JSON at all is refused before anybody asks whom it is for.
        assert answer.status_code in ({400, 404} if gone else {400, 409})

    @rule(known=hooks, payload=PAYLOADS)
    def test_run(self, known: Known, payload: dict[str, Any]) -> None:
        path = f"{TRIGGERS}/{known.id}/test-run"
        answer = self.request("POST", path, json={"payload": payload})
        if self.is_gone(known, answer):
            return
        assert answer.status_code == 202, answer.text
        self.expect(answer.json()["event_id"], known, payload, source="manual-test")

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        original = data.draw(st.sampled_from(sorted(self.events)))
        answer = self.request("POST", f"{LOGS}/{original}/replay")
        assert answer.status_code == 202, answer.text
        expected = self.events[original] | {"source": "replay", "replay_of": original}
        self.events[answer.json()["event_id"]] = expected

    # What must hold after each of them

    @invariant()
    def triggers_are_as_known(self) -> None:
        listed = {one["id"]: one for one in self.get(TRIGGERS, limit=250)["data"]}
        assert {id: (one["name"], one["type"], one["status"]) for id, one in listed.items()} == {
            id: (one.name, one.type, one.status) for id, one in self.known.items()
        }
        for id, known in self.known.items():
            numbers = [one["revision"] for one in self.get(f"{TRIGGERS}/{id}/revisions")["data"]]
            assert numbers == list(range(known.revision, 0, -1))
            assert (listed[id].get("next_fire_at") is not None) == (
                known.type == "scheduled" and known.status == "active"
            )

    @invariant()
    def events_are_as_promised(self) -> None:
        listed = {one["id"]: one for one in self.get(LOGS, limit=250)["data"]}
        for id, expected in self.events.items():
            assert {name: listed[id][name] for name in expected} == expected
        of_mine = {id for id, one in listed.items() if one["trigger_id"] in self.known}
        assert of_mine <= self.events.keys()

    # Small parts

    def is_gone(self, known: Known, answer: httpx.Response) -> bool:
        if known.id in self.known:
            return False
        assert answer.status_code == 404, answer.text
        return True

    def expect(self, event_id: str, known: Known, payload: Any, *, source: str) -> None:
        self.events[event_id] = {
            "trigger_id": known.id,
            "source": source,
            "payload": payload,
            "is_test": source == "manual-test",
            "replay_of": None,
        }


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("lane", LANES)
def test_any_sequence_of_requests_is_answered_as_the_model_says(
    lane: str, runner: asyncio.Runner, database_url: str
) -> None:
    migrate(
        Settings(
            database_url=database_url, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
        )
    )
    serve = serving(lane, database_url, {"TRIGGERFISH_SQS_ENDPOINT_URL": NOBODY})
    api = runner.run(serve.__aenter__())
    try:
        machine = type("ThisCustomer", (Customer,), {"api": api, "runner": runner})
        run_state_machine_as_test(machine, settings=SEARCH)
        assert_invariants(database_url)
    finally:
        runner.run(serve.__aexit__(None, None, None))
