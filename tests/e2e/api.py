"""A running platform's HTTP API with its key, and what tests ask of it again and again."""

from typing import Any

import httpx


class Api:
    """Calls to the API at `url`; the key is set once it is known."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=30)

    def use_key(self, key: str) -> None:
        self._client.headers["Authorization"] = f"Bearer {key}"

    def request(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """One API call with the platform's key. `path` starts below /api/v1 unless it is a URL."""
        url = path if path.startswith(("http", "/health", "/metrics")) else f"/api/v1{path}"
        return self._client.request(method, url, json=json, **options)

    def create(self, **definition: Any) -> dict[str, Any]:
        """Create a trigger; its view."""
        answer = self.request("POST", "/triggers", definition)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def log_of(self, trigger_id: str, status: str | None = None) -> dict[str, Any] | None:
        """The newest event log of a trigger in detail, None while there is none (of that status)."""
        wanted = {"trigger_id": trigger_id} | ({"status": status} if status else {})
        page = self.request("GET", "/event-logs", params=wanted).json()["data"]
        return self.request("GET", f"/event-logs/{page[0]['id']}").json() if page else None

    def hang_up(self) -> None:
        self._client.close()
