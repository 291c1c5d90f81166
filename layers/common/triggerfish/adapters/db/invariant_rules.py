"""The rules that never break (docs/reliability.md), as SQL that knows none of the platform's code.

Each query lists what breaks its rule, by `id`, and nothing in a sound database. It holds in every
committed snapshot, whatever processes are at work. Parameters: `active_from` and `kept_from`, the
instants of firing after which events are active, and kept at all; `ticked_at` and `retained_at`,
until when the tick and retention have surely done their work (null: not judged); `clocks`, by how
much the clocks of machines may differ; `waiting` and `dead_jobs`, what the queue says.
"""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the invariant it is part of, what it says, and the query for what breaks it."""

    invariant: str
    says: str
    query: LiteralString


EVENTS: LiteralString = """
    events AS (
        SELECT *, true AS in_active FROM event_logs_active
        UNION ALL
        SELECT *, false FROM event_logs_archive)
"""

# The revisions of a trigger since it was last given another schedule: they count fires together.
# Only of triggers whose events of that time are all still kept.
RUNS: LiteralString = """
    runs AS (
        SELECT t.id, t.fired_count, since.number AS first_number
          FROM triggers t
          JOIN trigger_revisions r ON r.id = t.revision_id
         CROSS JOIN LATERAL (
            SELECT coalesce(max(o.number), 0) + 1 AS number FROM trigger_revisions o
             WHERE o.trigger_id = t.id AND o.schedule IS DISTINCT FROM r.schedule) since
          JOIN trigger_revisions f ON f.trigger_id = t.id AND f.number = since.number
         WHERE t.type = 'scheduled' AND f.created_at > %(kept_from)s + %(clocks)s),
    logged AS (
        SELECT runs.id, count(e.id) AS total
          FROM runs
          JOIN trigger_revisions r ON r.trigger_id = runs.id AND r.number >= runs.first_number
          JOIN events e ON e.revision_id = r.id AND e.source = 'scheduled'
         GROUP BY runs.id)
"""

FIRING = [
    Rule(
        "I1",
        "an occurrence is logged once",
        """
        SELECT trigger_id AS id, scheduled_for, count(*) AS times FROM events
         WHERE source = 'scheduled' GROUP BY 1, 2 HAVING count(*) > 1
        """,
    ),
    Rule(
        "I1",
        "an active schedule has its next fire, nothing else has one",
        """
        SELECT id, type, status, next_occurrence_at, next_fire_at FROM triggers
         WHERE (type = 'scheduled' AND status = 'active') <> (next_fire_at IS NOT NULL)
            OR (next_fire_at IS NULL) <> (next_occurrence_at IS NULL)
            OR next_fire_at < next_occurrence_at
        """,
    ),
    Rule(
        "I1",
        "no due occurrence is left behind by the tick",
        """
        SELECT id, next_fire_at FROM triggers
         WHERE status = 'active' AND next_fire_at <= CAST(%(ticked_at)s AS timestamptz)
        """,
    ),
    Rule(
        "I1",
        "every fire that a trigger counts is in the log",
        f"""
        , {RUNS}
        SELECT runs.id, runs.fired_count, coalesce(logged.total, 0) AS logged
          FROM runs LEFT JOIN logged USING (id)
         WHERE runs.fired_count <> coalesce(logged.total, 0)
        """,
    ),
    Rule(
        "I2",
        "a scheduled event is an occurrence of its schedule",
        """
        , firings AS (
            SELECT e.id, e.scheduled_for, r.schedule,
                   CAST(coalesce(r.schedule ->> 'jitter_seconds', '0') AS int) AS jitter,
                   CAST(r.schedule ->> 'at' AS timestamptz) AS at,
                   CAST(r.schedule ->> 'start_at' AS timestamptz) AS start_at,
                   CAST(r.schedule ->> 'end_at' AS timestamptz) AS end_at,
                   extract(epoch FROM CAST(r.schedule ->> 'every' AS interval)) AS step
              FROM events e LEFT JOIN trigger_revisions r ON r.id = e.revision_id
             WHERE e.source = 'scheduled'),
        offsets AS (
            SELECT *, CASE
                       WHEN at IS NOT NULL THEN extract(epoch FROM scheduled_for - at)
                       WHEN step IS NOT NULL
                       THEN mod(extract(epoch FROM scheduled_for - start_at), step)
                       WHEN jitter < 60 THEN mod(extract(epoch FROM scheduled_for), 60)
                       ELSE 0 END AS past  -- the occurrence: by its jitter at most
              FROM firings)
        SELECT id, scheduled_for, schedule FROM offsets
         WHERE schedule IS NULL OR past < 0 OR (past > 0 AND past >= jitter)
            OR scheduled_for < start_at
            OR scheduled_for > end_at + make_interval(secs => jitter)
        """,
    ),
    Rule(
        "I2",
        "a trigger fires its max_fires at most",
        f"""
        , {RUNS}
        SELECT t.id, total AS fired FROM logged
          JOIN triggers t USING (id) JOIN trigger_revisions r ON r.id = t.revision_id
         WHERE total > CAST(r.schedule ->> 'max_fires' AS bigint)
        """,
    ),
    Rule(
        "I2",
        "an event is of the revision that it names",
        """
        SELECT e.id, e.revision_id FROM events e
          LEFT JOIN trigger_revisions r ON r.id = e.revision_id
         WHERE e.fired_at > %(kept_from)s + %(clocks)s
           AND ((r.project_id, r.trigger_id, r.type, r.endpoint_key) IS DISTINCT FROM
                (e.project_id, e.trigger_id, e.trigger_type, e.endpoint_key)
             OR (e.source = 'scheduled' AND e.payload IS DISTINCT FROM r.payload)
             OR (e.source IN ('scheduled', 'api')
                 AND (e.trigger_id IS NULL OR e.trigger_type <> e.source)))
        """,
    ),
    Rule(
        "I2",
        "tests are marked, and nothing else",
        """
        SELECT id, source, is_test FROM events
         WHERE is_test IS DISTINCT FROM CASE source
               WHEN 'manual-test' THEN true WHEN 'replay' THEN is_test ELSE false END
        """,
    ),
    Rule(
        "I2",
        "a replay is its original again",
        """
        SELECT e.id, e.replay_of FROM events e LEFT JOIN events o ON o.id = e.replay_of
         WHERE (e.source = 'replay') <> (e.replay_of IS NOT NULL)
            OR (o.id IS NOT NULL
                AND (o.project_id, o.trigger_id, o.revision_id, o.payload, o.is_test)
                    IS DISTINCT FROM
                    (e.project_id, e.trigger_id, e.revision_id, e.payload, e.is_test))
        """,
    ),
    Rule(
        "I3",
        "an idempotency key leads to its event, with the same body",
        """
        SELECT k.event_id AS id, k.trigger_id FROM idempotency_keys k
          LEFT JOIN events e ON e.id = k.event_id AND e.trigger_id = k.trigger_id
         WHERE k.expires_at - interval '24 hours' > %(kept_from)s + %(clocks)s
           AND (e.id IS NULL OR e.source <> 'api'
                OR sha256(convert_to(e.payload, 'UTF8')) <> k.request_hash)
        """,
    ),
    Rule(
        "I7",
        "nothing fires after its trigger was deleted or paused",
        """
        SELECT e.id, e.trigger_id, e.fired_at FROM events e
          LEFT JOIN triggers t ON t.id = e.trigger_id
          JOIN trigger_revisions r ON r.id = e.revision_id
         WHERE e.source IN ('scheduled', 'api')
           AND ((t.id IS NULL AND e.fired_at > r.retired_at + %(clocks)s)
             OR (t.id IS NULL AND r.retired_at IS NULL)
             OR (t.status = 'paused' AND e.fired_at > t.updated_at + %(clocks)s))
        """,
    ),
]

DELIVERY = [
    Rule(
        "I4",
        "an event is final, leased, or waits for a time",
        """
        SELECT id, status, next_attempt_at, lease_until, completed_at FROM events
         WHERE NOT CASE  -- each with the times of its state, and no others
               WHEN status = 'pending'
               THEN next_attempt_at IS NOT NULL AND num_nonnulls(lease_until, completed_at) = 0
               WHEN status = 'delivering'
               THEN num_nulls(next_attempt_at, lease_until) = 0 AND completed_at IS NULL
               WHEN status IN ('success', 'failure')
               THEN completed_at IS NOT NULL AND num_nonnulls(next_attempt_at, lease_until) = 0
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
               > jsonb_array_length(r.retry -> 'delays_seconds') + 1
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
                   count(*) FILTER (WHERE jsonb_array_length(attempts) > 0) AS firsts
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
        "I11",
        "no error text holds a secret of its trigger",
        """
        SELECT e.id FROM events e
          JOIN trigger_revisions r ON r.id = e.revision_id
          LEFT JOIN triggers t ON t.id = e.trigger_id
         WHERE e.last_error IS NOT NULL
           AND (strpos(e.last_error, r.signing_secret) > 0
                OR strpos(e.last_error, t.webhook_token) > 0)
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
