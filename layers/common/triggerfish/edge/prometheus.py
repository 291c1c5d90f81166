"""Metrics in Prometheus' text form: standard names and units, no ids as labels."""

from collections.abc import Iterable, Iterator

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
)
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
        m = self._metrics
        yield _counter(
            "triggerfish_delivery_attempts",
            "Delivery attempts by outcome.",
            "outcome",
            ((one.outcome, one.count) for one in m.outcomes),
        )
        yield _histogram(
            "triggerfish_delivery_duration_seconds",
            "How long attempts took.",
            DURATION_BOUNDS_MS,
            [(one.duration_buckets, one.count, one.duration_ms) for one in m.outcomes],
        )
        yield _lateness(m.outcomes)
        oldest = m.backlog.oldest_due_at
        yield _gauge(
            "triggerfish_oldest_pending_seconds",
            "How long the longest waiting due event has waited.",
            (m.at - oldest).total_seconds() if oldest else 0,
        )
        yield _labelled_gauge(
            "triggerfish_open_events",
            "Events that are not final.",
            "status",
            {"pending": m.backlog.pending, "delivering": m.backlog.delivering},
        )
        yield _labelled_gauge("triggerfish_triggers", "Triggers by status.", "status", m.triggers)
        yield _gauge(
            "triggerfish_rows_past_expiry", "Event logs past their end.", m.rows_past_expiry
        )
        yield from self._queue()
        yield _labelled_gauge(
            "triggerfish_last_run_timestamp_seconds",
            "When a background function last ran.",
            "function",
            {name: beat.last_run_at.timestamp() for name, beat in m.heartbeats.items()},
        )

    def _queue(self) -> Iterator[Metric]:
        depth = self._metrics.queue
        if depth is not None:
            yield _labelled_gauge(
                "triggerfish_queue_messages",
                "Messages of the delivery queue.",
                "state",
                {
                    "waiting": depth.waiting,
                    "in_flight": depth.in_flight,
                    "delayed": depth.delayed,
                },
            )
        if self._metrics.dead_letters is not None:
            yield _gauge(
                "triggerfish_dead_letters",
                "Messages in the dead-letter queue.",
                self._metrics.dead_letters,
            )


def _counter(
    name: str, text: str, label: str, samples: Iterable[tuple[str, float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in samples:
        family.add_metric([value], count)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _labelled_gauge(
    name: str, text: str, label: str, samples: dict[str, float] | dict[str, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in samples.items():
        family.add_metric([value], count)
    return family


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
