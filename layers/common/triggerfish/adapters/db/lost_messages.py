"""After a queue has come up empty: what is open is sent again now, not when the sweep would.

The sweeps give a message a minute to be received. Where it is known that none was kept, nobody
has to wait.
"""

from datetime import datetime

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database

# By the index on open events. Those that are due already, the sweep finds waiting.
EVENTS = text("""
    UPDATE event_logs_active SET enqueued_at = NULL
     WHERE status = 'pending' AND next_attempt_at > :now
""")

ARCHIVED_EVENTS = text("""
    UPDATE event_logs_archive SET enqueued_at = NULL
     WHERE status = 'pending' AND next_attempt_at > :now
""")

JOBS = text("""
    UPDATE jobs SET resend_at = :now WHERE status = 'queued' AND resend_at > :now
""")

NOTIFICATIONS = text("""
    UPDATE catalogue_notifications SET resend_at = :now
     WHERE told_at IS NULL AND lease_until IS NULL AND resend_at > :now
""")


async def forget_messages(database: Database, *, now: datetime) -> None:
    """Take every message that was sent until `now` for lost; a duplicate does no harm."""
    for statement in (EVENTS, ARCHIVED_EVENTS, JOBS, NOTIFICATIONS):
        await database.run(statement, now=now)
