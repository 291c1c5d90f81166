"""A small client of the platform's HTTP API, for commands that act as a customer does."""

from typing import Any
from urllib.parse import urlsplit

import httpx

TIMEOUT_SECONDS = 10.0


class ApiError(Exception):
    """The platform did not answer, or refused; the message says which, for a person to read."""


class Client:
    """Calls one platform with one API key. Everything but `fire` raises ApiError on a refusal."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def create_trigger(self, definition: dict[str, Any]) -> dict[str, Any]:
        """The created trigger, with its signing secret."""
        return self._json("POST", "/api/v1/triggers", json=definition)

    def delete_trigger(self, trigger_id: str) -> None:
        self._call("DELETE", f"/api/v1/triggers/{trigger_id}")

    def event_logs(self, trigger_id: str) -> list[dict[str, Any]]:
        """The trigger's latest active event logs, newest first."""
        page = self._json("GET", "/api/v1/event-logs", params={"trigger_id": trigger_id})
        return list(page["data"])

    def event_log(self, event_id: str) -> dict[str, Any]:
        """One event log with its attempts."""
        return self._json("GET", f"/api/v1/event-logs/{event_id}")

    def fire(self, webhook_url: str, payload: Any) -> tuple[int, dict[str, Any]]:
        """Post to an API trigger's URL, by the way we reach the platform; status and answer."""
        response = self._send("POST", urlsplit(webhook_url).path, json=payload)
        return response.status_code, _body(response)

    def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return _body(self._call(method, path, **request))

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        response = self._send(method, path, **request)
        if not response.is_success:
            error = _body(response).get("error") or {}
            why = error.get("message") or response.reason_phrase
            raise ApiError(f"{method} {path}: {response.status_code}. {why}")
        return response

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ApiError(f"{self.url} does not answer: {error}") from None


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}
