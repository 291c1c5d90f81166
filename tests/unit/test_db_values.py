"""Values on their way into Postgres."""

from datetime import UTC, datetime

from triggerfish.adapters.db.values import to_json


def test_a_nested_time_is_written_as_the_api_writes_times():
    started = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
    assert to_json([{"entry": {"started_at": started}}]) == (
        '[{"entry":{"started_at":"2026-03-02T12:00:00.250000Z"}}]'
    )
