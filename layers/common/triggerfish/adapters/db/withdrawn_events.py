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
# others, so who looks there first misses none.
KNOWN_ACTIVE = text("SELECT id FROM event_logs_active WHERE id = ANY(CAST(:ids AS uuid[]))")
KNOWN_ELSEWHERE = text("""
    SELECT id FROM event_logs_archive WHERE id = ANY(CAST(:ids AS uuid[]))
     UNION ALL
    SELECT id FROM withdrawn_events WHERE id = ANY(CAST(:ids AS uuid[]))
""")

FORGET = text("DELETE FROM withdrawn_events WHERE fired_at <= :fired_until")
