"""Withdrawn events: taken back before they were due, and remembered, since a message names them."""

from sqlalchemy import TextClause, text


def withdraw(condition: str) -> TextClause:
    """Take the active events that meet the condition back, and remember that they have been."""
    return text(f"""
        WITH removed AS (
            DELETE FROM event_logs_active WHERE {condition} RETURNING id, fired_at)
        INSERT INTO withdrawn_events (id, fired_at) SELECT id, fired_at FROM removed
    """)


# Of ids, those whose event is logged, or was withdrawn. From the active table events only go to the
# others, so a reader who looks there first misses none.
LOGGED = text("SELECT id FROM event_logs_active WHERE id = ANY(CAST(:ids AS uuid[]))")
LOGGED_ELSEWHERE = text("""
    SELECT id, 'archive' AS place FROM event_logs_archive WHERE id = ANY(CAST(:ids AS uuid[]))
     UNION ALL
    SELECT id, 'withdrawn' FROM withdrawn_events WHERE id = ANY(CAST(:ids AS uuid[]))
""")

FORGET = text("DELETE FROM withdrawn_events WHERE fired_at <= :fired_until")
