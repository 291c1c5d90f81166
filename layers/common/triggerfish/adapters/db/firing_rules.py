"""Rules about what fires: I1 to I3 and I7, as SQL that knows none of the platform's code."""

from typing import LiteralString

from triggerfish.adapters.db.invariant_rule import Rule

# The revisions of a trigger since it was last given another schedule: they count fires together.
# Only of triggers whose events of that time are all still kept, and still of the revision that they
# fired with: those that were held are released to a later one.
RUNS: LiteralString = """
    runs AS (
        SELECT t.id, t.fired_count, since.number AS first_number
          FROM triggers t
          JOIN trigger_revisions r ON r.id = t.revision_id
         CROSS JOIN LATERAL (
            SELECT coalesce(max(o.number), 0) + 1 AS number FROM trigger_revisions o
             WHERE o.trigger_id = t.id AND o.schedule IS DISTINCT FROM r.schedule) since
          JOIN trigger_revisions f ON f.trigger_id = t.id AND f.number = since.number
         WHERE t.type = 'scheduled' AND f.created_at > %(kept_from)s + %(clocks)s
           AND NOT EXISTS (SELECT FROM events
                            WHERE trigger_id = t.id AND released_at IS NOT NULL)),
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
        "an active schedule has its next fire, and only what fires has one",
        """
        SELECT id, type, status, next_occurrence_at, next_fire_at FROM triggers
         WHERE (type = 'scheduled' AND status = 'active' AND next_fire_at IS NULL)
            OR (next_fire_at IS NOT NULL
                AND NOT (type = 'scheduled' AND status IN ('active', 'disabled')))
            OR (next_fire_at IS NULL) <> (next_occurrence_at IS NULL)
            OR next_fire_at < next_occurrence_at
        """,
    ),
    Rule(
        "I1",
        "no due occurrence is left behind by the tick",
        """
        SELECT id, next_fire_at FROM triggers
         WHERE status IN ('active', 'disabled')
           AND next_fire_at <= CAST(%(ticked_at)s AS timestamptz)
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
             WHERE e.source = 'scheduled' AND e.released_at IS NULL),
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
             OR (e.source = 'scheduled' AND e.released_at IS NULL
                 AND e.payload IS DISTINCT FROM r.payload)
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
    Rule(
        "I7",
        "what was withdrawn before it was due is not in the log",
        "SELECT id FROM events JOIN withdrawn_events USING (id)",
    ),
]
