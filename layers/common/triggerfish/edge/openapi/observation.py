"""How the platform is: health, Prometheus, and a project's metrics."""

from typing import Any

from triggerfish.domain.event_log import Source
from triggerfish.domain.observation import FINAL_STATUSES, OPEN_STATUSES, OUTCOMES
from triggerfish.domain.retention import View
from triggerfish.domain.trigger import TriggerStatus
from triggerfish.edge.metrics_view import QUANTILES
from triggerfish.edge.openapi.errors import AWAY
from triggerfish.edge.openapi.event_log import TRIGGER_ID
from triggerfish.edge.openapi.operation import Answer, operation
from triggerfish.edge.openapi.schema import (
    COUNT,
    ID,
    TEXT,
    TIME,
    Schema,
    closed,
    list_of,
    map_of,
    nullable,
    one_of,
    ref,
    same,
)

TAG = "Health and metrics"
_UP = one_of("up", "down")
_COMPONENTS = ("web", "database", "queue", "scheduler", "retention", "worker")
_SECONDS: Schema = {"type": "number", "minimum": 0}
_MILLISECONDS = same(tuple(QUANTILES), nullable(_SECONDS))
_SOURCES = same(tuple(Source), COUNT)
_DELIVERIES: dict[str, Schema] = {
    "delivery_attempts": same(OUTCOMES, COUNT),
    "duration_ms": _MILLISECONDS,
    "lateness_ms": _MILLISECONDS,
}

SCHEMAS: dict[str, Schema] = {
    "Live": closed({"status": {"const": "up"}}),
    "Health": closed(
        {
            "status": _UP,
            "components": same(_COMPONENTS, closed({"status": _UP, "reason": TEXT})),
        }
    ),
    "ProjectMetrics": closed(
        {
            "at": TIME,
            "counts": closed(
                {
                    "delivery_attempts": same(OUTCOMES, COUNT),
                    "finished_events": same(FINAL_STATUSES, _SOURCES),
                    "events": same(tuple(View), _SOURCES),
                    "open_events": same(OPEN_STATUSES, COUNT),
                    "triggers": closed({}, dict.fromkeys(TriggerStatus, COUNT)),
                    "skipped_occurrences": COUNT,
                    "oldest_pending_seconds": _SECONDS,
                }
            ),
            "window": closed({"from": TIME, "to": TIME, **_DELIVERIES}),
            "triggers": list_of(
                closed({"trigger_id": nullable(ID), "trigger_name": nullable(TEXT), **_DELIVERIES})
            ),
            "platform": closed(
                {
                    "queues": nullable(
                        map_of(same(("waiting", "in_flight", "delayed", "dead"), COUNT))
                    ),
                    "rows_past_expiry": COUNT,
                    "retention_rows": same(("moved", "deleted"), COUNT),
                    "last_runs": map_of(TIME),
                }
            ),
        }
    ),
}

_REASONS = {
    "web": "answers",
    "database": "answers",
    "queue": "0 waiting, 0 in flight",
    "scheduler": "last run 0.4 s ago",
    "retention": "last run 12.0 s ago",
    "worker": "nothing to deliver yet",
}
_ALL_UP: dict[str, Any] = {
    "status": "up",
    "components": {name: {"status": "up", "reason": why} for name, why in _REASONS.items()},
}
_OUT = {"status": "down", "reason": "The database is not reachable; try again shortly."}
_DOWN = {"status": "down", "components": _ALL_UP["components"] | {"database": _OUT}}
_QUEUES = ("deliveries", "imports", "notifications")
_DEPTH = {"waiting": 0, "in_flight": 0, "delayed": 0, "dead": 0}
_MADE = {
    "delivery_attempts": {"success": 3, "retry": 0, "failure": 2},
    "duration_ms": {"p50": 6.2, "p95": 21.2, "p99": 24.3},
    "lateness_ms": {"p50": 43.3, "p95": 93.8, "p99": 98.8},
}
_BY_SOURCE = {"api": 3, "scheduled": 2, "manual-test": 0, "replay": 0}
_NONE = dict.fromkeys(_BY_SOURCE, 0)


def _health(id: str, summary: str, up: str, down: str) -> dict[str, Any]:
    answers = {
        200: Answer(up, ref("Health"), {"Up": _ALL_UP}),
        503: Answer(down, ref("Health"), {"Postgres is away": _DOWN}),
    }
    return operation(id, TAG, summary, answers)


live = operation(
    "getLiveness",
    TAG,
    "Tell whether the process answers",
    {200: Answer("It does.", ref("Live"), {"Up": {"status": "up"}})},
)
ready = _health(
    "getReadiness", "Tell whether requests will be answered", "They will.", "They will not."
)
health = _health(
    "getHealth",
    "Tell how every component is",
    "Every component is up.",
    "A component is down; its reason says why.",
)
metrics = operation(
    "getPrometheusMetrics",
    TAG,
    "Show the platform's metrics for Prometheus",
    {
        200: Answer(
            "Prometheus' text format.",
            TEXT,
            {
                "Two lines": "# TYPE triggerfish_triggers gauge\n"
                'triggerfish_triggers{status="active"} 1.0\n'
            },
            media_type="text/plain",
        )
    },
    refusals=(AWAY,),
)
project_metrics = operation(
    "getProjectMetrics",
    TAG,
    "Show your project's metrics",
    {
        200: Answer(
            "Counts since the beginning, quantiles of the window, and the platform's state.",
            ref("ProjectMetrics"),
            {
                "One trigger": {
                    "at": "2026-11-22T13:28:18.640988Z",
                    "counts": {
                        "delivery_attempts": _MADE["delivery_attempts"],
                        "finished_events": {"success": _BY_SOURCE, "failure": _NONE},
                        "events": {"active": _BY_SOURCE, "archived": _NONE},
                        "open_events": {"pending": 0, "delivering": 0, "held": 0},
                        "triggers": {"active": 1},
                        "skipped_occurrences": 0,
                        "oldest_pending_seconds": 0.0,
                    },
                    "window": {
                        "from": "2026-11-21T13:29:00Z",
                        "to": "2026-11-22T13:28:18.640988Z",
                        **_MADE,
                    },
                    "triggers": [{"trigger_id": TRIGGER_ID, "trigger_name": "orders", **_MADE}],
                    "platform": {
                        "queues": dict.fromkeys(_QUEUES, _DEPTH),
                        "rows_past_expiry": 0,
                        "retention_rows": {"moved": 0, "deleted": 0},
                        "last_runs": {"deliver": "2026-11-22T13:28:13.552427Z"},
                    },
                }
            },
        )
    },
)
