"""The HTTP API as its callers see it, through both lanes: ASGI, and API Gateway events on Lambda.

Settings come from the environment and time is real, as in production.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from local.runtime.gateway import Gateway
from local.runtime.lane import DEFAULT_THREADS
from local.runtime.model import Template
from local.runtime.template import load
from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.documented import check_answer
from tests.mocked_aws import aws_endpoint
from triggerfish.adapters.behind import catch_up
from triggerfish.wiring import close_all

LANES = ("native", "event")
TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"
# How Pydantic and FastAPI speak; callers hear our own voice only.
LIBRARIES_WORDS = re.compile(
    "Input should|Field required|Extra inputs|Value error|String should|Object should|Value should"
)
NOBODY = "http://127.0.0.1:2"  # nothing listens there
TABLES = ("triggers", "trigger_revisions", "event_logs_active", "event_logs_archive")

ENVIRONMENT = {
    "TRIGGERFISH_BOOTSTRAP_API_KEY": API_KEY,
    "TRIGGERFISH_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
    "TRIGGERFISH_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
    "TRIGGERFISH_PUBLIC_URL": "http://triggerfish.test",
    "TRIGGERFISH_LOOKAHEAD_SECONDS": "2",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True)
class Api:
    """A client that holds the bootstrap key, and the database behind the API."""

    http: httpx.AsyncClient
    database_url: str

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.http.post("/api/v1/triggers", json=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def fire(self, trigger: Mapping[str, Any], body: bytes | str) -> str:
        """Call the trigger's webhook; the id of the accepted event."""
        answer = await post_json(self.http, trigger["webhook_url"], body)
        await catch_up()  # its message is sent behind the answer
        assert answer.status_code == 202, answer.text
        return str(answer.json()["event_id"])

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own."""
        with psycopg.connect(dsn(self.database_url)) as connection:
            result = connection.execute(statement.encode(), values)
            return result.fetchall() if result.description else []

    def stored(self) -> dict[str, int]:
        """How many rows each table of triggers and events has."""
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
        return dict(zip(TABLES, self.sql(f"SELECT {counts}")[0], strict=True))


@cache
def template() -> Template:
    """Routes and handlers only: the functions' settings are in the environment already."""
    return load(TEMPLATE, sqs_endpoint=NOBODY, environ={})


@asynccontextmanager
async def serving(
    lane: str, database_url: str, environment: Mapping[str, str], *, threads: int = DEFAULT_THREADS
) -> AsyncIterator[Api]:
    """All HTTP functions behind the gateway, with these settings on top of ENVIRONMENT."""
    with pytest.MonkeyPatch.context() as patch:
        given = ENVIRONMENT | {"TRIGGERFISH_DATABASE_URL": database_url} | dict(environment)
        if any(name.endswith("_QUEUE_URL") for name in environment):
            given.setdefault("TRIGGERFISH_SQS_ENDPOINT_URL", aws_endpoint())
        for name, value in given.items():
            patch.setenv(name, value)
        await close_all()  # forget the settings of whoever came before
        gateway = Gateway(template(), event_lane=lane == "event", threads=threads)
        try:
            async with client(gateway) as http:
                yield Api(http, database_url)
        finally:
            await close_all()
            gateway.close()


def client(gateway: Gateway) -> httpx.AsyncClient:
    """An error that escapes the app is seen as its caller sees it: as the answer 500.

    Every answer is compared with the API document.
    """
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway, raise_app_exceptions=False),
        base_url="http://triggerfish.test",
        headers={"authorization": f"Bearer {API_KEY}"},
        event_hooks={"response": [check_answer]},
    )


def dsn(url: str) -> str:
    """The same database for psycopg."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def post_json(
    http: httpx.AsyncClient, path: str, body: bytes | str, **headers: str
) -> httpx.Response:
    return await http.post(
        path, content=body, headers={"content-type": "application/json", **headers}
    )


def assert_refused(answer: httpx.Response, status: int, field: str | None = None) -> None:
    """The one error shape, with the wrong field named when there is one."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["code"]
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert all(set(detail) == {"field", "message"} for detail in error["details"])
    assert not LIBRARIES_WORDS.search(answer.text), answer.text
    if field is not None:
        assert field in [detail["field"] for detail in error["details"]], error["details"]
