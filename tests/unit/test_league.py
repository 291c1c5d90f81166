"""The league's arithmetic: what arrivals say about what was due, and how the page shows it."""

from pathlib import Path

import pytest

from tests.league import figures
from tests.league.league import Entry, Plan, Results, results_from
from tests.league.page import render
from tests.league.sections import Section

DUE = {"a": 10.0, "b": 10.0, "c": 10.0, "d": 20.0}


def test_a_job_that_never_came_is_lost_and_one_that_came_twice_is_doubled() -> None:
    arrivals = {"a": [10.1], "b": [10.2, 10.4, 10.5], "d": [20.0], "of another section": [1.0, 2.0]}
    assert figures.outcome(DUE, arrivals) == {"lost": 1, "doubled": 1, "early": 0}


def test_a_job_is_early_if_its_first_arrival_was() -> None:
    arrivals = {"a": [9.999], "b": [10.0], "c": [11.0, 9.0], "d": [20.0]}
    assert figures.outcome(DUE, arrivals) == {"lost": 0, "doubled": 1, "early": 2}


def test_lateness_is_of_first_arrivals_only() -> None:
    arrivals = {"a": [10.5], "b": [10.25, 99.0], "d": [22.0]}
    assert figures.lateness(DUE, arrivals) == {"p50": 0.5, "p99": 2.0, "last": 2.0}
    assert figures.lateness(DUE, arrivals, 1000) == {"p50": 500, "p99": 2000, "last": 2000}
    assert figures.last_first_arrival(DUE, arrivals) == 22.0


def test_nothing_that_came_has_no_lateness() -> None:
    assert figures.lateness(DUE, {}) == {}
    assert figures.last_first_arrival(DUE, {}) == 0.0


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (1, 0.5, 1),
        (1, 0.99, 1),
        (2, 0.5, 1),
        (3, 0.5, 2),
        (100, 0.99, 99),
        (101, 0.99, 100),
        (4, 1, 4),
    ],
)
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(
    count: int, share: float, expected: int
) -> None:
    assert figures.percentile(reversed(range(1, count + 1)), share) == expected


def test_rounds_are_shown_by_their_median_with_the_lowest_and_the_highest() -> None:
    assert figures.spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"  # noqa: RUF001
    assert figures.spread([2.0, 2.01], 1) == "2.0"
    assert figures.spread([12_345.0], 0) == "12,345"


def test_a_peer_that_did_not_run_is_on_the_page_with_the_reason(tmp_path: Path) -> None:
    ran = Entry("Fast", "as it comes", "1.0", "fsync=on", {"idle": [{"CPU": 0.5, "memory": 80.0}]})
    absent = Entry("Absent", "as it comes", failures=["NOT RUN: `go` is not\non this machine"])
    kept = tmp_path / "results.json"
    Results("2026-03-02", 2, 1, ["idle"], {"fast": ran, "absent": absent}).keep(kept)
    page = render(results_from(kept))
    assert "| Fast | 1 | 0.5 | 80 |" in page
    assert "- **Absent**: NOT RUN: `go` is not on this machine" in page
    assert "| Absent | not run |" in page


def test_rounds_turn_the_order_and_end_when_the_time_is_up() -> None:
    once, often = Section("once", lambda _: {}, rounds=1), Section("often", lambda _: {})
    sections = {"once": once, "often": often}
    turns = list(Plan(["a", "b"], sections, rounds=2, minutes=1).turns(["a", "b"]))
    assert [(number, name) for number, name, _ in turns] == [(0, "a"), (0, "b"), (1, "b"), (1, "a")]
    assert [list(chosen) for _, _, chosen in turns] == [[*sections]] * 2 + [["often"]] * 2
    hurried = Plan(["a", "b"], sections, rounds=2, minutes=0).turns(["a", "b"])
    assert [name for _, name, _ in hurried] == ["a", "b"]
