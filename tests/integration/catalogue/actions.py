"""What the catalogue's team and the public do over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests import functions
from tests.factories import a_catalogue_event
from tests.integration.lanes import Api

TOKEN = "a-static-token-of-the-team-0123456789"
NOBODY = {"authorization": ""}
EVENTS = "/events"
PUBLIC = "/public/events"


@dataclass(frozen=True)
class Catalogue:
    """The team's client, which holds the bootstrap key, and what stands behind the API."""

    api: Api
    notifications_url: str

    @property
    def http(self) -> httpx.AsyncClient:
        return self.api.http

    async def create(self, **changes: Any) -> dict[str, Any]:
        answer = await self.http.post(EVENTS, json=a_catalogue_event(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def change(self, event: dict[str, Any], **changes: Any) -> httpx.Response:
        return await self.http.patch(f"{EVENTS}/{event['id']}", json=changes)

    async def get(self, path: str, **query: Any) -> Any:
        return await self.api.get(path, **query)

    async def titles(self, path: str = EVENTS, **query: Any) -> list[str]:
        return [event["title"] for event in (await self.get(path, **query))["events"]]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.api.sql(statement, *values)

    def messages(self) -> list[dict[str, Any]]:
        return functions.messages(self.notifications_url)

    def empty(self) -> None:
        self.sql("TRUNCATE catalogue_events, catalogue_notifications")
        functions.forget_messages(self.notifications_url)
