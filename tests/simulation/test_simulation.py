"""Whole platforms under seeded faults: nothing lost, nothing doubled, and every run repeatable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.database import Storage
from tests.simulation.report import describe
from tests.simulation.run import simulate

ROOT = Path(__file__).parents[2]
SEEDS = 200
CHUNK = 10


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_loses_anything(storage: Storage, first: int) -> None:
    crashes = deliveries = 0
    for seed in range(first, first + CHUNK):
        result = simulate(seed, storage)
        assert result.error is None, describe(result)
        crashes += result.crashes
        deliveries += result.deliveries
    assert crashes > 0, "not one fault in ten runs"
    assert deliveries > CHUNK


@pytest.mark.parametrize("seed", [3, 6])
def test_a_seed_runs_the_same_way_again_whatever_ran_before(storage: Storage, seed: int) -> None:
    once = simulate(seed, storage)
    simulate(seed + 1, storage)
    again = simulate(seed, storage)
    assert "\n".join(again.trace) == "\n".join(once.trace)
    assert again == once
    assert len(once.trace) > 20


def test_another_process_prints_the_same_trace(storage: Storage) -> None:
    seed = 3
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    *trace, verdict = done.stdout.splitlines()
    assert trace == simulate(seed, storage).trace
    assert verdict == "Nothing was lost."


def test_two_seeds_are_two_runs(storage: Storage) -> None:
    assert simulate(1, storage).trace != simulate(2, storage).trace
