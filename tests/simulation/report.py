"""How a failed run is told: what was lost, the end of its trace, and how to see it again."""

from tests.simulation.run import Result

LINES = 60


def describe(result: Result) -> str:
    lines = [
        f"Seed {result.seed} failed: {result.error}",
        "",
        *result.trace[-LINES:],
        "",
        f"The whole run again: make simulate SEED={result.seed}",
    ]
    return "\n".join(lines)
