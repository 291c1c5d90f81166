"""The rules that never break, as SQL that knows none of the platform's code.

Here are those about deliveries and keeping: I4 to I6, I8 to I12; `firing_rules` has the others.
"""

from triggerfish.adapters.db.firing_rules import FIRING
from triggerfish.adapters.db.invariant_rule import Rule

DELIVERY = [
    Rule(
        "I4",
        "an event is final, leased, held, or waits for a time",
        """
        SELECT id, status, attempt, next_attempt_at, lease_until, completed_at FROM events
         WHERE NOT CASE  -- each with the times of its state, and no others
               WHEN status = 'pending'
               THEN next_attempt_at IS NOT NULL AND num_nonnulls(lease_until, completed_at) = 0
               WHEN status = 'delivering'
               THEN num_nulls(next_attempt_at, lease_until) = 0 AND completed_at IS NULL
               WHEN status IN ('success', 'failure')
               THEN completed_at IS NOT NULL AND num_nonnulls(next_attempt_at, lease_until) = 0
               WHEN status = 'held'
               THEN attempt = 0 AND num_nonnulls(next_attempt_at, lease_until, completed_at) = 0
               ELSE false END
        """,
    ),
    Rule(
        "I4",
        "a lease ends soon after its attempt must have",
        """
        SELECT e.id, e.lease_until FROM events e JOIN trigger_revisions r ON r.id = e.revision_id
         WHERE e.lease_until > %(now)s + %(clocks)s + make_interval(
               secs => 10 + CAST(r.endpoint ->> 'timeout_seconds' AS float8))
        """,
    ),
    Rule(
        "I5",
        "attempts are numbered 1, 2, 3 without a gap",
        """
        SELECT id, status, attempt, jsonb_array_length(attempts) AS entries FROM events
         WHERE jsonb_array_length(attempts) <> attempt - CAST(status = 'delivering' AS int)
            OR EXISTS (SELECT FROM jsonb_array_elements(attempts) WITH ORDINALITY AS a (value, n)
                        WHERE CAST(a.value ->> 'number' AS int) IS DISTINCT FROM a.n)
        """,
    ),
    Rule(
        "I5",
        "attempts are no more than the retry policy has",
        """
        SELECT e.id, e.status, e.attempt FROM events e
          JOIN trigger_revisions r ON r.id = e.revision_id
         WHERE e.attempt + CAST(e.status = 'pending' AS int)
               > coalesce(CAST(r.retry #>> '{exponential,max_attempts}' AS int),
                          jsonb_array_length(r.retry -> 'delays_seconds') + 1)
        """,
    ),
    Rule(
        "I6",
        "the last attempt says what became of the event",
        """
        , judged AS (
            SELECT id, status, last_status_code, last_error, attempts -> -1 AS last,
                   (SELECT count(*) FROM jsonb_array_elements(attempts) a
                     WHERE CAST(a ->> 'status_code' AS int) BETWEEN 200 AND 299) AS delivered,
                   CAST(attempts -> -1 ->> 'status_code' AS int) BETWEEN 200 AND 299 AS good
              FROM events)
        SELECT id, status, last FROM judged
         WHERE delivered <> CAST(status = 'success' AS int)
            OR (status = 'success' AND good IS NOT TRUE)
            OR (status = 'failure' AND last IS NULL)
            OR CAST(last ->> 'status_code' AS int) IS DISTINCT FROM last_status_code
            OR last ->> 'error' IS DISTINCT FROM last_error
        """,
    ),
]

KEEPING = [
    Rule(
        "I8",
        "an event is in one place",
        "SELECT id, count(*) AS places FROM events GROUP BY id HAVING count(*) > 1",
    ),
    Rule(
        "I8",
        "nothing is archived before its time",
        """
        SELECT id, fired_at FROM event_logs_archive WHERE fired_at > %(active_from)s + %(clocks)s
        """,
    ),
    Rule(
        "I8",
        "retention leaves nothing active that is to be archived",
        """
        SELECT id, fired_at FROM event_logs_active
         WHERE fired_at <= CAST(%(retained_at)s AS timestamptz) + (%(active_from)s - %(now)s)
        """,
    ),
    Rule(
        "I8",
        "retention leaves nothing that has expired",
        """
        SELECT id, fired_at FROM events
         WHERE fired_at <= CAST(%(retained_at)s AS timestamptz) + (%(kept_from)s - %(now)s)
        """,
    ),
    Rule(
        "I9",
        "the statistics count every attempt once",
        """
        , rows AS (
            SELECT date_trunc('minute', fired_at, 'UTC') AS minute, project_id,
                   coalesce(trigger_id, '00000000-0000-0000-0000-000000000000') AS trigger_id,
                   source,
                   sum(jsonb_array_length(attempts)) AS attempts,
                   count(*) FILTER (WHERE status = 'success') AS success,
                   count(*) FILTER (WHERE status = 'failure') AS failure,
                   count(*) FILTER (  -- who was held is not late
                       WHERE jsonb_array_length(attempts) > 0 AND released_at IS NULL) AS firsts
              FROM events
             GROUP BY 1, 2, 3, 4
            HAVING sum(jsonb_array_length(attempts)) > 0),
        stats AS (
            SELECT minute, project_id, trigger_id, source, sum(count) AS attempts,
                   coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0) AS success,
                   coalesce(sum(count) FILTER (WHERE outcome = 'failure'), 0) AS failure,
                   sum(lateness_count) AS firsts
              FROM delivery_stats
             GROUP BY 1, 2, 3, 4)
        SELECT trigger_id AS id, minute, source, rows.attempts AS logged, stats.attempts AS counted
          FROM rows FULL JOIN stats USING (minute, project_id, trigger_id, source)
         WHERE minute > %(kept_from)s + %(clocks)s
           AND (rows.attempts, rows.success, rows.failure, rows.firsts) IS DISTINCT FROM
               (stats.attempts, stats.success, stats.failure, stats.firsts)
        """,
    ),
    Rule(
        "I10",
        "an import's counts are its lines, each of which is an entry or an error, once",
        """
        SELECT j.id, j.status, j.accepted, j.rejected, stored.* FROM jobs j, LATERAL (
            SELECT (SELECT count(*) FROM log_entries WHERE job_id = j.id) AS entries,
                   (SELECT count(*) FROM job_errors WHERE job_id = j.id) AS errors,
                   (SELECT count(*) FROM log_entries JOIN job_errors USING (job_id, line_no)
                     WHERE job_id = j.id) AS twice,
                   (SELECT max(line_no) FROM log_entries WHERE job_id = j.id) AS last) AS stored
         WHERE j.status <> 'deleting'
           AND ((j.accepted, least(j.rejected, 1000), 0) IS DISTINCT FROM
                (stored.entries, stored.errors, stored.twice)
             OR stored.last >= j.next_line)
        """,
    ),
    Rule(
        "I11",
        "no error text holds what looks like a secret",
        r"""
        SELECT id FROM events
         WHERE last_error ~ '(whsec_[\w+/=]{16}|\mtf_[0-9A-Za-z]{12}_|/webhook/[\w-]{16})'
        """,
    ),
    Rule(
        "I11",
        "of an API key there is a short prefix and a SHA-256",
        """
        SELECT id FROM api_keys WHERE octet_length(key_hash) <> 32 OR length(prefix) > 24
        """,
    ),
]

RULES = [*FIRING, *DELIVERY, *KEEPING]

QUEUE = [
    Rule(
        "I12",
        "no dead letter is the job of a known event: they are poison",
        """
        SELECT id, status FROM events WHERE id = ANY(CAST(%(dead_jobs)s AS uuid[]))
        """,
    ),
    Rule(
        "I12",
        "no message waits while every event is final",
        """
        SELECT 'queue' AS id, %(waiting)s AS waiting
         WHERE %(waiting)s > 0
           AND NOT EXISTS (SELECT FROM events WHERE status IN ('pending', 'delivering'))
        """,
    ),
]
