"""Webhooks at full speed to few endpoints: whether anything ever waits while nobody works."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.bench.bench import PAYLOAD, Bench, Figures, load

RUNS = 20


def busy_endpoint(bench: Bench, count: int, runs: int = RUNS) -> Figures:
    """The longest silence of any endpoint while an event waited for it, over many runs."""
    figures: Figures = {}
    for endpoints in (1, 20):
        silences, rates = [], []
        for _ in range(runs):
            silence, rate = _run(bench, count, endpoints)
            silences.append(silence)
            rates.append(rate)
        figures |= {
            f"{endpoints} endpoints, runs": float(runs),
            f"{endpoints} endpoints, longest silence, ms": max(silences) * 1000,
            f"{endpoints} endpoints, deliveries per_second at least": min(rates),
        }
    return figures


def _run(bench: Bench, count: int, endpoints: int) -> tuple[float, float]:
    """The longest silence in seconds, and deliveries a second from the first accept on."""
    urls = [bench.webhook(f"/busy/{n}") for n in range(endpoints)]
    with ThreadPoolExecutor(endpoints) as pool:
        connections = max(32 // endpoints, 1)
        for done in [
            pool.submit(load, url, PAYLOAD, count // endpoints, connections=connections)
            for url in urls
        ]:
            done.result()
    bench.wait_for(count // endpoints * endpoints, 300)
    accepted = bench.sql(
        "SELECT endpoint_key, id::text, extract(epoch FROM fired_at)::float8 FROM event_logs_active"
    )
    arrivals = {id: times[0] for id, times in bench.arrivals().items()}
    events: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, id, fired_at in accepted:
        events[key].append((arrivals[id], fired_at))
    bench.forget()
    longest = max(max(silences(one)) for one in events.values())
    first = min(fired_at for _, _, fired_at in accepted)
    return longest, len(accepted) / (max(arrivals.values()) - first)


def silences(events: list[tuple[float, float]]) -> Iterator[float]:
    """Before each arrival at one endpoint, how long nothing came although an event waited.

    Events are (arrival, accepted), in seconds.
    """
    ordered = sorted(events)
    waiting = [accepted for _, accepted in ordered]  # oldest of those that arrive from here on
    for n in reversed(range(len(waiting) - 1)):
        waiting[n] = min(waiting[n], waiting[n + 1])
    last = 0.0
    for (arrival, _), oldest in zip(ordered, waiting, strict=True):
        yield arrival - max(last, oldest)
        last = arrival
