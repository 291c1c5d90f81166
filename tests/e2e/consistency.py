"""What must hold in the database after any storm: the invariants, and how many events came to what."""

import psycopg

from tests.invariants import assert_invariants


def connect(database_url: str) -> psycopg.Connection:
    """A connection of one's own to the platform's database, each statement its own transaction."""
    return psycopg.connect(database_url.replace("+psycopg", "", 1), autocommit=True)


def check_consistency(database_url: str) -> None:
    """Fail with every invariant that is broken; for platforms with the usual retention times."""
    assert_invariants(database_url)


def final_statuses(database_url: str, trigger_ids: list[str]) -> dict[str, int]:
    """How many of these triggers' events have which status; only those in the active table."""
    with connect(database_url) as connection:
        rows = connection.execute(
            "SELECT status, count(*) FROM event_logs_active WHERE trigger_id = ANY(%s::uuid[])"
            " GROUP BY status",
            (trigger_ids,),
        ).fetchall()
    return dict(rows)
