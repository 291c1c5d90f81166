"""What of the services' logs reaches the terminal, and that the files stay bounded."""

import json
from pathlib import Path

import pytest

from local.services.logs import Follower, alarming, alarming_postgres, bound, tail


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "started"}', None),
        ('{"level": "warning", "event": "slow", "seconds": 3}', "warning: slow seconds=3"),
        (
            '{"level": "ERROR", "event": "failed", "exception": "Traceback"}',
            "ERROR: failed\nTraceback",
        ),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("INFO:     Application startup complete.", None),
        ("[1, 2]", "[1, 2]"),
        ("  ", None),
    ],
)
def test_only_what_alarms_is_shown(line: str, shown: str | None) -> None:
    assert alarming(line) == shown


def test_of_postgres_only_real_trouble_is_shown() -> None:
    assert alarming_postgres("2026-01-01 UTC [1] ERROR:  duplicate key") is None
    assert alarming_postgres("2026-01-01 UTC [1] PANIC:  out of space")
    assert alarming_postgres("2026-01-01 UTC [1] LOG:  could not write to file: No space left")


@pytest.mark.parametrize(
    "said",
    [
        "could not send data to client: Broken pipe",
        "could not receive data from client: Connection reset by peer",
    ],
)
def test_a_client_that_left_postgres_is_no_warning(said: str) -> None:
    assert alarming_postgres(f"2026-01-01 UTC [1] LOG:  {said}") is None


def test_a_follower_gives_whole_lines_written_since_it_began(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    follower = Follower(log)
    with log.open("a") as file:
        file.write("one\ntw")
    assert follower.new_lines() == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert follower.new_lines() == ["two"]
    assert follower.new_lines() == []


def test_a_full_log_moves_aside_and_its_writer_and_follower_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("a", buffering=1) as writer:
        writer.write("x" * 200 + "\n")
        follower = Follower(log)
        bound(log, max_bytes=100)
        writer.write("after\n")
        assert log.read_text() == "after\n"
        assert follower.new_lines() == ["after"]
    assert (tmp_path / "log.1").read_text() == "x" * 200 + "\n"


def test_a_tail_is_short_and_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(1000)))
    lines = tail(log).splitlines()
    assert json.loads(lines[0])
    assert lines[-1] == '{"n": 999}'
    assert len(lines) < 1000
    assert tail(tmp_path / "missing") == ""
