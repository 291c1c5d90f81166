"""Paths that are nearly right lead to the right one."""

import pytest

from triggerfish.edge.openapi.page import near_path

ID = "0198f3a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/api/v1/triggers/", "/api/v1/triggers"),
        (f"/api/v1/triggers/{ID}/", f"/api/v1/triggers/{ID}"),
        (f"/api/v1/triggers/{ID}/pauze", f"/api/v1/triggers/{ID}/pause"),
        ("/api/v1/trigger", "/api/v1/triggers"),
        ("/api/v1/Triggers", "/api/v1/triggers"),
        ("//api//v1/triggers", "/api/v1/triggers"),
        ("/triggers", "/api/v1/triggers"),
        ("/v1/event-logs", "/api/v1/event-logs"),
        ("/api/event-logs", "/api/v1/event-logs"),
        ("/api/v2/keys", "/api/v1/keys"),
        ("/api/v1/event_logs/summary", "/api/v1/event-logs/summary"),
        ("/api/v1/webhooks/abc_def", "/api/v1/webhook/{token}"),
        ("/healthz", "/health"),
        ("/health/", "/health"),
        ("/openapi", "/openapi.json"),
        ("/public/event", "/public/events"),
    ],
)
def test_a_near_miss_names_the_path_that_was_meant(path: str, meant: str) -> None:
    assert near_path(path) == meant


@pytest.mark.parametrize(
    "path", ["/", "", "/wp-admin.php", "/api", "/api/v1", "/x" * 1000, "/" * 1000, "/\0", "/é/ü"]
)
def test_a_path_that_is_like_none_names_none(path: str) -> None:
    assert near_path(path) is None
