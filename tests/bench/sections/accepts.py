"""Accepting webhook calls, beside a bare app."""

import statistics

from tests.bench.bench import PAYLOAD, Bench, Figures, load, server

ROUNDS = 3


def accepts(bench: Bench, count: int) -> Figures:
    """Webhook accepts/s at 32 connections, beside a bare app; rounds alternate, medians count."""
    rounds: dict[str, list[Figures]] = {"bare app": [], "accepts": [], "while delivering": []}
    with server("reference", DSN=bench.dsn) as port:
        for _ in range(ROUNDS):
            rounds["bare app"].append(load(f"http://127.0.0.1:{port}/accept", PAYLOAD, count))
            url = bench.webhook("/accepts")
            with bench.paused("worker"):
                rounds["accepts"].append(load(url, PAYLOAD, count))
            bench.wait_for(count, 300)
            bench.forget()
            rounds["while delivering"].append(load(bench.webhook("/accepts"), PAYLOAD, count))
            bench.wait_for(count, 300)
            bench.forget()
    figures: Figures = {}
    for name, measured in rounds.items():
        for unit in measured[0]:
            figures[f"{name}, {unit}"] = statistics.median(one[unit] for one in measured)
    bare = figures["bare app, per_second"]
    figures["accepts, ratio to bare app"] = figures["accepts, per_second"] / bare
    figures["while delivering, ratio to bare app"] = figures["while delivering, per_second"] / bare
    return figures
