"""A project's metrics as JSON: the same numbers as `/metrics`, for one project."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from triggerfish.domain.histogram import Histogram
from triggerfish.domain.observation import events_by_state, finished_by_status
from triggerfish.domain.project_metrics import (
    Deliveries,
    PlatformCounts,
    ProjectCounts,
    ProjectMetrics,
)

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def project_metrics_view(metrics: ProjectMetrics) -> dict[str, Any]:
    """Counts since the beginning, quantiles of the window, and the state of the platform."""
    oldest = metrics.counts.backlog.oldest_due_at
    return {
        "at": metrics.at,
        "counts": _counts_view(metrics.counts)
        | {"oldest_pending_seconds": (metrics.at - oldest).total_seconds() if oldest else 0.0},
        "window": {"from": metrics.since, "to": metrics.at, **_deliveries_view(metrics.deliveries)},
        "triggers": [
            {
                "trigger_id": str(one.trigger_id) if one.trigger_id else None,
                "trigger_name": one.trigger_name,
                **_deliveries_view(one.deliveries),
            }
            for one in metrics.triggers
        ],
        "platform": _platform_view(metrics.platform),
    }


def _counts_view(counts: ProjectCounts) -> dict[str, Any]:
    return {
        "delivery_attempts": counts.attempts,
        "finished_events": _nested(finished_by_status(counts.finished)),
        "events": _nested(events_by_state(counts.finished, counts.backlog)),
        "open_events": counts.backlog.by_status(),
        "triggers": counts.triggers,
        "skipped_occurrences": counts.skipped,
    }


def _deliveries_view(deliveries: Deliveries) -> dict[str, Any]:
    return {
        "delivery_attempts": deliveries.attempts,
        "duration_ms": _quantiles(deliveries.duration),
        "lateness_ms": _quantiles(deliveries.lateness),
    }


def _quantiles(histogram: Histogram) -> dict[str, float | None]:
    return {name: histogram.quantile(q) for name, q in QUANTILES.items()}


def _platform_view(platform: PlatformCounts) -> dict[str, Any]:
    beats, queues = platform.heartbeats, platform.queues
    totals = beats["retention"].totals if "retention" in beats else {}
    return {
        "queues": queues and {name: asdict(depth) for name, depth in queues.items()},
        "rows_past_expiry": platform.rows_past_expiry,
        "retention_rows": {action: totals.get(action, 0) for action in ("moved", "deleted")},
        "last_runs": {name: beat.last_run_at for name, beat in sorted(beats.items())},
    }


def _nested(counts: Mapping[tuple[str, ...], int]) -> dict[str, dict[str, int]]:
    """`{("success", "api"): 3}` → `{"success": {"api": 3}}`."""
    nested: dict[str, dict[str, int]] = {}
    for (outer, inner), count in counts.items():
        nested.setdefault(outer, {})[inner] = count
    return nested
