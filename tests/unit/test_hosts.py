"""docs/hosts.md names tests and steps that exist, and leaves no cell empty."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
STEP = re.compile(r"`([a-z]+(?:_[a-z0-9]+)*)`")


def rows() -> list[list[str]]:
    lines = (ROOT / "docs/hosts.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text()


@cache
def steps() -> set[str]:
    """Functions that the smoke test calls on lines of their own."""
    return set(re.findall(r"^([a-z_0-9]+)$", source("tests/e2e/compose_smoke.sh"), re.MULTILINE))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_feature_has_a_proof_or_a_reason_on_each_host(row: list[str]) -> None:
    assert len(row) == 4
    for cell in row[1:]:
        assert TEST.search(cell) or STEP.search(cell) or len(cell) > 10, cell
        for path, name in TEST.findall(cell):
            assert (ROOT / path).is_file(), path
            assert not name or re.search(rf"^(async )?def {name}\(", source(path), re.MULTILINE), (
                name
            )


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_step_of_compose_is_one_that_the_smoke_test_takes(row: list[str]) -> None:
    named = set(STEP.findall(row[2]))
    assert named <= steps()
    assert (
        named
        or TEST.search(row[2])
        or row[2].split(":")[0]
        in (
            "as embedded",
            "absent",
            "the same runtime as embedded",
        )
    )
