"""Metrics in Prometheus' text form: standard names and units, no ids as labels."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from triggerfish.domain.observation import (
    DURATION_BOUNDS_MS,
    LATENESS_BOUNDS_MS,
    OutcomeTotals,
    attempts_by_outcome,
    events_by_state,
    finished_by_status,
)
from triggerfish.domain.trigger import TriggerStatus
from triggerfish.usecases.observe import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(metrics: Metrics) -> bytes:
    """One reading as text. Numbers come from shared tables, so every process answers the same."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading(metrics))
    return generate_latest(registry)


class _Reading(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._deliveries()
        yield from self._events()
        yield from self._background()
        yield from self._queues()

    def _deliveries(self) -> Iterator[Metric]:
        outcomes = self._metrics.outcomes
        yield _counter(
            "triggerfish_delivery_attempts",
            "Delivery attempts by outcome.",
            ("outcome",),
            _one_label(attempts_by_outcome(outcomes)),
        )
        yield _histogram(
            "triggerfish_delivery_duration_seconds",
            "How long attempts took.",
            DURATION_BOUNDS_MS,
            [(one.duration_buckets, one.count, one.duration_ms) for one in outcomes],
        )
        yield _lateness(outcomes)

    def _events(self) -> Iterator[Metric]:
        m = self._metrics
        yield _counter(
            "triggerfish_finished_events",
            "Events that became final.",
            ("status", "source"),
            finished_by_status(m.finished),
        )
        yield _gauge(
            "triggerfish_events",
            "Events that are kept, by whole minutes of firing.",
            ("state", "source"),
            events_by_state(m.finished, m.backlog),
        )
        yield _gauge(
            "triggerfish_open_events",
            "Events that are not final.",
            ("status", "source"),
            m.backlog.by_status_and_source(),
        )
        oldest = m.backlog.oldest_due_at
        yield _gauge(
            "triggerfish_oldest_pending_seconds",
            "How long the longest waiting due event has waited.",
            (),
            {(): (m.at - oldest).total_seconds() if oldest else 0},
        )
        yield _gauge(
            "triggerfish_triggers",
            "Triggers by status.",
            ("status",),
            _one_label({status.value: 0 for status in TriggerStatus} | m.triggers),
        )
        yield _gauge(
            "triggerfish_rows_past_expiry",
            "Event logs past their end.",
            (),
            {(): m.rows_past_expiry},
        )

    def _background(self) -> Iterator[Metric]:
        """What the background functions have come to; their totals are kept in the database."""
        beats = self._metrics.heartbeats
        tick, retention = (
            beats[name].totals if name in beats else {} for name in ("tick", "retention")
        )
        yield _counter(
            "triggerfish_skipped_occurrences",
            "Occurrences that catch-up policies skipped.",
            (),
            {(): tick.get("skipped", 0)},
        )
        yield _counter(
            "triggerfish_resent_messages",
            "Events that the sweep sent a message for again.",
            (),
            {(): tick.get("swept", 0)},
        )
        yield _counter(
            "triggerfish_retention_rows",
            "Event logs that retention moved to the archive or deleted.",
            ("action",),
            {(action,): retention.get(action, 0) for action in ("moved", "deleted")},
        )
        yield _gauge(
            "triggerfish_last_run_timestamp_seconds",
            "When a background function last ran.",
            ("function",),
            {(name,): beat.last_run_at.timestamp() for name, beat in beats.items()},
        )
        yield _gauge(
            "triggerfish_last_run_duration_seconds",
            "How long a background function's last run took.",
            ("function",),
            {(name,): beat.duration_ms / 1000 for name, beat in beats.items()},
        )

    def _queues(self) -> Iterator[Metric]:
        """Nothing while the queues do not answer: that they are away is what has to be seen."""
        depths = self._metrics.queues
        if depths is None:
            return
        yield _gauge(
            "triggerfish_queue_messages",
            "Messages in the queues.",
            ("queue", "state"),
            {
                (name, state): getattr(depth, state)
                for name, depth in depths.items()
                for state in ("waiting", "in_flight", "delayed")
            },
        )
        yield _gauge(
            "triggerfish_dead_letters",
            "Messages in the dead-letter queues.",
            ("queue",),
            {(name,): depth.dead for name, depth in depths.items()},
        )


Samples = Mapping[tuple[str, ...], float]


def _counter(name: str, text: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in samples.items():
        family.add_metric(values, count)
    return family


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples.items():
        family.add_metric(values, value)
    return family


def _one_label(counts: Mapping[str, int]) -> Samples:
    return {(value,): count for value, count in counts.items()}


def _lateness(outcomes: list[OutcomeTotals]) -> HistogramMetricFamily:
    """First attempts only: a retry is late by design."""
    return _histogram(
        "triggerfish_delivery_lateness_seconds",
        "How long after its time the first attempt of an event started.",
        LATENESS_BOUNDS_MS,
        [(one.lateness_buckets, one.lateness_count, one.lateness_ms) for one in outcomes],
    )


def _histogram(
    name: str, text: str, bounds_ms: tuple[int, ...], parts: list[tuple[list[int], int, int]]
) -> HistogramMetricFamily:
    """One histogram from several; a part is cumulative buckets, count and sum in milliseconds."""
    sums = [sum(column) for column in zip(*(buckets for buckets, _, _ in parts), strict=True)]
    counts = sums or [0] * len(bounds_ms)
    buckets = [(str(bound / 1000), float(n)) for bound, n in zip(bounds_ms, counts, strict=True)]
    total = sum(count for _, count, _ in parts)
    family = HistogramMetricFamily(name, text)
    family.add_metric(
        [], [*buckets, ("+Inf", float(total))], sum_value=sum(ms for _, _, ms in parts) / 1000
    )
    return family
