"""What xdist's workers get, and when: whole files, the long ones first so that none is left for last.

Tests of one file share its fixtures, so they stay together; so do files that share a platform. The
seeds of the simulation share nothing that is dear, and go to whoever is free. A file that is not
named here is short, and may come at any time.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

LONGEST = (
    "tests/e2e/test_crash_points.py",
    "tests/e2e/",
    "tests/integration/fuzz/",
    "tests/integration/aws/test_lambda_functions.py",
    "tests/integration/access/test_access_matrix.py",
    "tests/contract/sqs/",
    "tests/simulation/",
    "tests/integration/",
)
"""Beginnings of paths, the first that fits counts."""
ON_ONE_PLATFORM = dict.fromkeys(
    (
        "tests/e2e/test_bursts.py",
        "tests/e2e/test_canaries.py",
        "tests/e2e/test_commands.py",
        "tests/e2e/test_demo.py",
        "tests/e2e/test_firing.py",
        "tests/e2e/test_hanging_endpoint.py",
        "tests/e2e/test_schema_attacks.py",
    ),
    "the shared platform",
) | dict.fromkeys(
    ("tests/e2e/test_host.py", "tests/e2e/test_poison.py", "tests/e2e/test_retention.py"),
    "the hurried platform",
)
"""The start of a platform costs some ten seconds of a core."""
SPREAD = "tests/simulation/test_simulation.py"


class WholeFiles(LoadFileScheduling):  # type: ignore[misc]
    """As `--dist loadfile`, with the exceptions named above, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return nodeid if file == SPREAD else ON_ONE_PLATFORM.get(file, file)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort in place; what is equally long stays in the random order that it has."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    ranks = (rank for rank, path in enumerate(LONGEST) if nodeid.startswith(path))
    return next(ranks, len(LONGEST))
