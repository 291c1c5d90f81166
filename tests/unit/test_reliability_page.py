"""docs/reliability.md: its table is that of the tests, and says that nothing was lost or doubled."""

from datetime import date
from pathlib import Path

import pytest

from tests.e2e import reliability
from tests.e2e.reliability import Row

PAGE = f"before\n{reliability.BEGIN}\n{reliability.END}\nafter\n"
KILLED = Row("killed", 1, 100, 0, 0, 2, 1.25)
TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    return reliability.rows_of(reliability.PAGE.read_text())


def test_every_fault_that_is_tested_has_a_row_and_no_other(rows: dict[str, list[str]]) -> None:
    assert set(rows) == reliability.faults()


def test_every_row_says_that_events_were_at_risk_and_none_was_lost_or_logged_twice(
    rows: dict[str, list[str]],
) -> None:
    for fault, (injected, at_risk, lost, duplicates, _, recovery) in rows.items():
        assert (lost, duplicates) == ("0", "0"), fault
        assert int(injected.replace(",", "")) >= 1, fault
        assert int(at_risk.replace(",", "")) >= 1, fault
        assert recovery.endswith(" s"), fault


def test_rows_are_written_between_the_marks_and_read_again() -> None:
    page = reliability.with_table(PAGE, [KILLED], day=TODAY, cores=2, load=1.6)
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "Measured on 02 March 2026, 2 cores, load average 2." in page
    assert reliability.rows_of(page) == {"killed": ["1", "100", "0", "0", "2", "1.2 s"]}
    assert reliability.with_table(page, [KILLED], day=TODAY, cores=2, load=1.6) == page


def test_runs_add_up_and_the_slowest_recovery_counts(tmp_path: Path) -> None:
    for seconds in (3.0, 9.0, 6.0):
        reliability.keep(Row("killed", 1, 100, 0, 0, 2, seconds), tmp_path)
    reliability.keep(Row("another", 1, 1, 0, 0, 0, 0.0), tmp_path)
    assert reliability.merged(reliability.kept(tmp_path)) == [
        Row("another", 1, 1, 0, 0, 0, 0.0),
        Row("killed", 3, 300, 0, 0, 6, 9.0),
    ]
