"""What must hold in the database after any storm, in SQL that knows none of the platform's code."""

from typing import LiteralString

import psycopg

EVENTS: LiteralString = """
    WITH events AS (
        SELECT id, trigger_id, source, scheduled_for, status, attempt, attempts, lease_until,
               next_attempt_at, completed_at FROM event_logs_active
        UNION ALL
        SELECT id, trigger_id, source, scheduled_for, status, attempt, attempts, lease_until,
               next_attempt_at, completed_at FROM event_logs_archive)
"""

# Each finds what breaks the rule that names it; Postgres is asked for a few examples only.
RULES: dict[str, LiteralString] = {
    "an occurrence is logged once": """
        SELECT trigger_id, scheduled_for, count(*) FROM events
         WHERE source = 'scheduled' GROUP BY 1, 2 HAVING count(*) > 1
    """,
    "an event is in one table only": """
        SELECT id, count(*) FROM events GROUP BY id HAVING count(*) > 1
    """,
    "an event is final, leased, or waits for a time": """
        SELECT id, status FROM events
         WHERE NOT (status IN ('success', 'failure') AND completed_at IS NOT NULL)
           AND NOT (status = 'delivering' AND lease_until IS NOT NULL)
           AND NOT (status = 'pending' AND next_attempt_at IS NOT NULL)
    """,
    "attempts are numbered 1, 2, 3 without a gap": """
        SELECT id, attempts FROM events
         WHERE EXISTS (SELECT FROM jsonb_array_elements(attempts) WITH ORDINALITY AS a (value, position)
                        WHERE CAST(a.value ->> 'number' AS int) IS DISTINCT FROM a.position)
    """,
    "the number of attempts is that of the entries": """
        SELECT id, status, attempt, attempts FROM events
         WHERE jsonb_array_length(attempts) <> attempt - CAST(status = 'delivering' AS int)
    """,
    "an import's counts are its lines, each of which is an entry or an error": """
        SELECT j.id, j.status, j.accepted, j.rejected, found.* FROM jobs j, LATERAL (
            SELECT (SELECT count(*) FROM log_entries WHERE job_id = j.id) AS entries,
                   (SELECT count(*) FROM job_errors WHERE job_id = j.id) AS errors,
                   (SELECT count(*) FROM log_entries JOIN job_errors USING (job_id, line_no)
                     WHERE job_id = j.id) AS both,
                   (SELECT max(line_no) FROM log_entries WHERE job_id = j.id) AS last) AS found
         WHERE (j.accepted, least(j.rejected, 1000), 0) IS DISTINCT FROM
               (found.entries, found.errors, found.both)
            OR found.last >= j.next_line
    """,
    "the statistics count every attempt once": """
        , per_row AS (
            SELECT coalesce(trigger_id, '00000000-0000-0000-0000-000000000000') AS trigger_id,
                   jsonb_array_length(attempts) AS total,
                   CAST(status = 'success' AS int) AS success,
                   CAST(status = 'failure' AS int) AS failure FROM events),
        rows AS (
            SELECT trigger_id, sum(total) AS total, sum(success) AS success, sum(failure) AS failure
              FROM per_row GROUP BY 1),
        stats AS (
            SELECT trigger_id, sum(count) AS total,
                   coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0) AS success,
                   coalesce(sum(count) FILTER (WHERE outcome = 'failure'), 0) AS failure
              FROM delivery_stats GROUP BY 1)
        SELECT rows.*, stats.* FROM rows LEFT JOIN stats USING (trigger_id)
         WHERE (rows.total, rows.success, rows.failure) IS DISTINCT FROM
               (coalesce(stats.total, 0), coalesce(stats.success, 0), coalesce(stats.failure, 0))
    """,
}


def connect(database_url: str) -> psycopg.Connection:
    """A connection of one's own to the platform's database, each statement its own transaction."""
    return psycopg.connect(database_url.replace("+psycopg", "", 1), autocommit=True)


def check_consistency(database_url: str) -> None:
    """Fail with every rule that is broken, and with examples. For platforms that keep all events."""
    with connect(database_url) as connection:
        broken = {
            rule: rows
            for rule, query in RULES.items()
            if (rows := connection.execute(EVENTS + query + " LIMIT 5").fetchall())
        }
    assert not broken


def final_statuses(database_url: str, trigger_ids: list[str]) -> dict[str, int]:
    """How many of these triggers' events have which status; only those in the active table."""
    with connect(database_url) as connection:
        rows = connection.execute(
            "SELECT status, count(*) FROM event_logs_active WHERE trigger_id = ANY(%s::uuid[])"
            " GROUP BY status",
            (trigger_ids,),
        ).fetchall()
    return dict(rows)
