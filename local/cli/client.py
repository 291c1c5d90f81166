"""A small client of the platform's HTTP API, for commands that act as a customer does."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from local.cli import state
from local.cli.invoke import running
from local.cli.refusal import refuse

TIMEOUT_SECONDS = 10.0
STREAM_TIMEOUT_SECONDS = 60.0
"""Between two pieces; streams of jobs say something every 15 s."""


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

    def upload(self, name: str, file: BinaryIO) -> str:
        """Send a log file as it is read; the id of its job."""
        files = {"file": (name, file, "application/x-ndjson")}
        answer = self._json(
            "POST", "/api/v1/files/upload", files=files, timeout=STREAM_TIMEOUT_SECONDS
        )
        return str(answer["job_id"])

    def job_states(self, job_id: str) -> Iterator[dict[str, Any]]:
        """A job now and whenever it has changed; ends with its final state, or before."""
        path = f"/api/v1/jobs/{job_id}/stream"
        try:
            with self._http.stream("GET", path, timeout=STREAM_TIMEOUT_SECONDS) as response:
                if not response.is_success:
                    response.read()
                    raise _refused("GET", path, response)
                for line in response.iter_lines():
                    if line.startswith("data: {"):
                        yield json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise ApiError(f"{self.url} does not answer: {error}") from None

    def job_errors(self, job_id: str, count: int) -> list[dict[str, Any]]:
        """The first bad lines of a job."""
        page = self._json("GET", f"/api/v1/jobs/{job_id}/errors", params={"limit": count})
        return list(page["data"])

    def fire(self, webhook_url: str, payload: Any) -> tuple[int, dict[str, Any]]:
        """Post to an API trigger's URL, by the way we reach the platform; status and answer."""
        response = self._send("POST", urlsplit(webhook_url).path, json=payload)
        return response.status_code, _body(response)

    def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return _body(self._call(method, path, **request))

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        response = self._send(method, path, **request)
        if not response.is_success:
            raise _refused(method, path, response)
        return response

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ApiError(f"{self.url} does not answer: {error}") from None


def connect(url: str, api_key: str) -> Client:
    """A client of the named platform, else of the one that runs in the state directory."""
    where = state.find()
    platform = running(where)
    if url and api_key:
        return Client(url, api_key)
    if platform is None:
        refuse(
            f"No platform runs in {where.path}: start one with `make up` in another terminal,"
            " or give --url and --api-key."
        )
    return Client(url or platform.url, api_key or platform.api_key())


def _refused(method: str, path: str, response: httpx.Response) -> ApiError:
    error = _body(response).get("error") or {}
    details = [f"{one['field']} {one['message']}" for one in error.get("details", [])]
    why = "; ".join([error.get("message") or response.reason_phrase, *details])
    return ApiError(f"{method} {path}: {response.status_code}. {why}")


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}
