"""Canaries: secrets of every kind go through a run with all its failures, then all that the platform
says is searched for them: logs, metrics, health, errors, explanations, other tenants' answers.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from local.cli.host import free_port
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint, listening
from tests.e2e.waiting import until
from triggerfish.domain.signing import encode_secret

Secrets = dict[str, str]
STORED = "stored line:"
"""A log entry of the customer's own, which is kept, and shown to its owner."""


class Run:
    """What is done on the platform, with every secret that is met and every answer that is given."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.secrets: Secrets = {"admin key": platform.api_key}
        self.errors: list[str] = []
        self.triggers: list[dict[str, Any]] = []
        self.job_id = ""
        ring = (platform.state_dir / "encryption-keys").read_text().strip()
        self.secrets["encryption key"] = ring.partition(":")[2]

    def canary(self, kind: str) -> str:
        self.secrets[kind] = f"canary-{uuid4().hex}"
        return self.secrets[kind]

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One call; what an error says is kept."""
        answer = self.platform.request(method, path, body, **options)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            self.errors.append(f"{answer.headers} {answer.text}")
        return answer

    def key(self, kind: str, *scopes: str, **options: Any) -> dict[str, str]:
        """A new key of the project of `options["headers"]`, as the header to send."""
        answer = self.ask("POST", "/keys", {"name": "k", "scopes": list(scopes)}, **options)
        assert answer.status_code == 201, answer.text
        self.secrets[kind] = answer.json()["key"]
        return {"Authorization": f"Bearer {self.secrets[kind]}"}

    def trigger(self, name: str, url: str) -> dict[str, Any]:
        """An API trigger with a secret in every place that takes one."""
        trigger = self.platform.create(
            type="api",
            name=name,
            endpoint={"url": url, "headers": {"X-Auth": self.canary(f"{name}: endpoint header")}},
            retry={"delays_seconds": [0.1]},
            verification={"type": "header", "secret": self.canary(f"{name}: verification secret")},
        )
        self.note(name, trigger)
        self.triggers.append(trigger)
        return trigger

    def note(self, name: str, trigger: dict[str, Any]) -> None:
        count = len(self.secrets)
        self.secrets[f"{name}: token {count}"] = trigger["webhook_url"].rpartition("/")[2]
        if "signing_secret" in trigger:
            self.secrets[f"{name}: signing secret {count}"] = trigger["signing_secret"]

    def fire(self, name: str, trigger: dict[str, Any]) -> None:
        proof = {"X-Webhook-Token": self.secrets[f"{name}: verification secret"]}
        answer = self.ask("POST", trigger["webhook_url"], {"n": 1}, headers=proof)
        assert answer.status_code == 202, answer.text

    def misuse(self, trigger: dict[str, Any]) -> None:
        """Every kind of mistake, each with a secret in hand."""
        path, url = f"/triggers/{trigger['id']}", trigger["webhook_url"]
        wrong_key = self.canary("a key that nobody has")
        token = self.canary("a token that nobody has")
        typo, short = self.canary("secret of a wrong type"), "canary-short"
        self.secrets["too short a secret"] = short
        self.ask("GET", path, headers={"Authorization": f"Bearer {wrong_key}"})
        self.ask("GET", path, headers={"Authorization": "", "X-API-Key": wrong_key})
        self.ask("POST", url.replace(url.rpartition("/")[2], token), {"n": 1})
        self.ask("POST", url, {"n": 1}, headers={"X-Webhook-Token": typo})
        self.ask("POST", url, content=b"not json")
        for secret in (typo, short):
            wrong = {"type": "standard-webhooks", "secret": secret}
            self.ask("PATCH", path, {"verification": wrong | {"more": 1}})
        self.ask("PATCH", path, {"endpoint": {"url": "x", "headers": {"Host": typo}}})
        self.ask("POST", f"{path}/rotate-secret", {"overlap_seconds": "x", "secret": typo})
        self.ask("GET", "/keys/nothing")
        self.ask("PUT", "/keys")


@pytest.fixture(scope="module")
def run(shared: Platform) -> Iterator[Run]:
    """The whole story, told once; the tests look at what it left behind."""
    with listening() as endpoint:
        run = Run(shared)
        _act(run, endpoint)
        yield run


def _act(run: Run, endpoint: Endpoint) -> None:
    good = run.trigger("good", endpoint.url())
    failing = run.trigger("failing", f"http://127.0.0.1:{free_port()}/")
    inside = run.trigger("blocked", "http://localhost:6379/")
    for name, trigger in (("good", good), ("failing", failing), ("blocked", inside)):
        run.fire(name, trigger)
    ends = {"success": [good], "failure": [failing, inside]}
    until(lambda: have_ended(run, ends), 60, what="one success and two failures")
    for action in ("rotate-url", "rotate-secret"):
        run.note("good", run.ask("POST", f"/triggers/{good['id']}/{action}").json())
    run.misuse(good)
    run.key("reader's key", "triggers:read", "events:read")
    signing = encode_secret(b"canary-canary-canary-canary-")
    run.secrets["standard-webhooks secret"] = signing
    proof = {"type": "standard-webhooks", "secret": signing}
    assert run.ask("PATCH", f"/triggers/{good['id']}", {"verification": proof}).status_code == 200
    run.job_id = _import(run)
    _watch(run, run.job_id)


def _import(run: Run) -> str:
    """Upload lines with secrets in them, good and bad ones; the id of the job when it has ended."""
    entry = {"timestamp": "2026-03-02T12:00:00Z", "level": "INFO", "service": "s"}
    good = entry | {"message": f"password={run.canary(f'{STORED} message')}"}
    lines = [
        json.dumps(good | {"attributes": {"token": run.canary(f"{STORED} attribute")}}),
        json.dumps(entry | {"message": 1, "secret": run.canary("bad line: wrong type")}),
        json.dumps(entry | {"level": run.canary("bad line: wrong level"), "message": "m"}),
        f'{{"message": "{run.canary("bad line: no JSON")}',
    ]
    upload(run, run.canary("file that is refused"), 400)
    job_id = upload(run, "\n".join(lines), 202)["job_id"]
    done = {"status": "completed", "lines": {"total": 4, "accepted": 1, "rejected": 3}}
    until(lambda: done.items() <= run.ask("GET", f"/jobs/{job_id}").json().items(), 60, what="it")
    return str(job_id)


def upload(run: Run, content: str, status: int) -> dict[str, Any]:
    answer = run.ask("POST", "/files/upload", files={"file": ("app.jsonl", content.encode())})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _watch(run: Run, job_id: str) -> None:
    """By ticket and by key, with good and wrong ones."""
    tickets = [run.ask("POST", f"/jobs/{job_id}/tickets").json()["ticket"] for _ in range(2)]
    run.secrets |= {"ticket that was used": tickets[0], "ticket that was not": tickets[1]}
    url = f"{run.platform.url.replace('http', 'ws')}/ws/jobs/{job_id}"
    wrong = json.dumps({"api_key": run.canary("key of a socket")})
    calls = [
        (f"?ticket={tickets[0]}", None, 1000),
        (f"?ticket={tickets[0]}", None, 4401),
        (f"?ticket={run.canary('ticket that nobody has')}", None, 4401),
        ("", json.dumps({"api_key": run.platform.api_key}), 1000),
        ("", wrong, 4401),
    ]
    for query, message, code in calls:
        with connect(url + query, proxy=None) as socket:
            if message:
                socket.send(message)
            with suppress(ConnectionClosedError):
                assert all(job_id in str(text) for text in socket)
            assert socket.close_code == code
    asked = f'{{ job(id: "{job_id}") {{ {run.canary("GraphQL field")} }} }}'
    run.ask("POST", f"{run.platform.url}/graphql", {"query": asked})


def have_ended(run: Run, ends: dict[str, list[dict[str, Any]]]) -> bool:
    return all(
        run.platform.log_of(trigger["id"], status)
        for status, triggers in ends.items()
        for trigger in triggers
    )


def found(secrets: Secrets, *texts: str) -> list[str]:
    """The kinds of secrets that any of the texts holds."""
    return [kind for kind, secret in secrets.items() if any(secret in text for text in texts)]


def ids(run: Run) -> list[str]:
    return [trigger["id"] for trigger in run.triggers]


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_no_log_has_a_secret(run: Run, record_property: Any) -> None:
    logs = {path: path.read_text(errors="replace") for path in logs_of(run.platform)}
    assert any("delivery_attempt" in text for text in logs.values())
    for path, text in logs.items():
        assert found(run.secrets, text) == [], path.name
    record_property("cases", len(run.secrets))


def logs_of(platform: Platform) -> list[Path]:
    """All but what `up` prints for its operator: there the first key is told."""
    return sorted((platform.state_dir / "logs").glob("*.log*"))


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_no_error_repeats_a_secret(run: Run) -> None:
    assert len(run.errors) >= 10
    for error in run.errors:
        assert found(run.secrets, error) == [], error


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_no_metric_health_or_explanation_has_a_secret(run: Run) -> None:
    paths = ["/metrics", "/health", "/health/ready", "/metrics?x=1"]
    own = [f"/triggers/{id}/explain" for id in ids(run)]
    url = run.platform.url
    public = [httpx.get(url + path, timeout=30).text for path in [*paths, "/openapi.json"]]
    shown = [run.ask("GET", path).text for path in [*own, "/event-logs/summary", "/keys"]]
    metrics = httpx.get(f"{url}/api/v1/metrics", headers=auth(run), timeout=30).text
    assert found(run.secrets, *public, *shown, metrics) == []


def auth(run: Run) -> dict[str, str]:
    return {"Authorization": f"Bearer {run.platform.api_key}"}


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_the_owner_sees_only_what_is_shown_by_design(run: Run) -> None:
    by_design = ("endpoint header", "token")  # the endpoint as it was given, the URL to call
    hidden = {
        kind: secret
        for kind, secret in run.secrets.items()
        if not any(word in kind for word in by_design)
    }
    pages = [
        "/triggers",
        "/event-logs",
        "/jobs",
        f"/jobs/{run.job_id}/errors",
        *(f"/triggers/{id}/revisions" for id in ids(run)),
    ]
    events = [run.platform.log_of(id) for id in ids(run)]
    assert found(hidden, *(run.ask("GET", page).text for page in pages), str(events)) == []


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_another_tenant_sees_nothing(run: Run) -> None:
    created = run.ask("POST", "/projects", {"name": f"other-{uuid4().hex}"})
    assert created.status_code == 201, created.text
    stranger = {"Authorization": f"Bearer {created.json()['first_key']['key']}"}
    paths = ["/triggers", "/event-logs", "/event-logs/summary", "/keys", "/metrics", "/jobs"]
    paths += [f"/jobs/{run.job_id}{rest}" for rest in ("", "/entries", "/errors", "/stream")]
    paths += [f"/triggers/{id}{rest}" for id in ids(run) for rest in ("", "/explain", "/revisions")]
    url = run.platform.url
    answers = [httpx.get(f"{url}/api/v1{path}", headers=stranger, timeout=30) for path in paths]
    for answer in answers:
        assert found(run.secrets, answer.text, str(answer.headers)) == [], answer.url


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_the_database_and_the_note_of_the_platform_have_no_secret(run: Run) -> None:
    dsn = run.platform.database_url.replace("+psycopg", "")
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            str(row[0])
            for (table,) in tables.fetchall()
            for row in connection.execute(f"SELECT t::text FROM {table} t".encode())
        ]
    assert len(rows) > 10
    assert all(kind.startswith(STORED) for kind in found(run.secrets, *rows))
    note = (run.platform.state_dir / "platform.json").read_text()
    assert found(run.secrets, note) == []
