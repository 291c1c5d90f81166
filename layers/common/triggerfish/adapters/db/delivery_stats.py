"""Delivery statistics: counted in the same statement that writes an outcome, so they cannot differ.

One row a minute of firing, trigger, source and outcome, with histograms of duration and lateness
in milliseconds. As the minute is that of `fired_at`, the rows of a window agree with its logs.
Metrics and summaries read these rows and never scan the logs.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from triggerfish.domain.observation import (
    DURATION_BOUNDS_MS,
    LATENESS_BOUNDS_MS,
    OutcomeTotals,
)

NO_TRIGGER = UUID(int=0)


def _histogram(value: str, bounds: tuple[int, ...]) -> str:
    counts = (f"count(*) FILTER (WHERE {value} <= {bound})" for bound in bounds)
    return f"ARRAY[{', '.join(counts)}]"


def _added(column: str, bounds: tuple[int, ...]) -> str:
    sums = (f"s.{column}[{i}] + excluded.{column}[{i}]" for i in range(1, len(bounds) + 1))
    return f"{column} = ARRAY[{', '.join(sums)}]"


def _summed(column: str, bounds: tuple[int, ...]) -> str:
    sums = (f"CAST(coalesce(sum({column}[{i}]), 0) AS bigint)" for i in range(1, len(bounds) + 1))
    return f"ARRAY[{', '.join(sums)}]"


ON_CONFLICT_ADD = f"""
        ON CONFLICT (minute, project_id, trigger_id, source, outcome) DO UPDATE
           SET count = s.count + excluded.count,
               duration_ms = s.duration_ms + excluded.duration_ms,
               {_added("duration_buckets", DURATION_BOUNDS_MS)},
               lateness_count = s.lateness_count + excluded.lateness_count,
               lateness_ms = s.lateness_ms + excluded.lateness_ms,
               lateness_max_ms = greatest(s.lateness_max_ms, excluded.lateness_max_ms),
               {_added("lateness_buckets", LATENESS_BOUNDS_MS)}
"""

# A step of the outcome statement: expects a CTE `done`. Lateness is of first attempts only.
# Ordered, so that two workers always lock the same rows in the same order.
COUNT_OUTCOMES = f"""
    counted AS (
        INSERT INTO delivery_stats AS s
               (minute, project_id, trigger_id, source, outcome, count, duration_ms,
                duration_buckets, lateness_count, lateness_ms, lateness_max_ms, lateness_buckets)
        SELECT date_trunc('minute', fired_at, 'UTC'), project_id,
               coalesce(trigger_id, '{NO_TRIGGER}'), source,
               CASE status WHEN 'pending' THEN 'retry' ELSE status END,
               count(*), sum(duration_ms), {_histogram("duration_ms", DURATION_BOUNDS_MS)},
               count(lateness_ms), coalesce(sum(lateness_ms), 0), coalesce(max(lateness_ms), 0),
               {_histogram("lateness_ms", LATENESS_BOUNDS_MS)}
          FROM done
         WHERE duration_ms IS NOT NULL  -- it was attempted
         GROUP BY 1, 2, 3, 4, 5
         ORDER BY 1, 2, 3, 4, 5
        {ON_CONFLICT_ADD})
"""

# Totals survive in one row at the epoch: counters made from this table never run backwards.
ROLL_UP = text(f"""
    WITH old AS (
        DELETE FROM delivery_stats
         WHERE minute < :until AND minute > 'epoch'
        RETURNING *)
    INSERT INTO delivery_stats AS s
           (minute, project_id, trigger_id, source, outcome, count, duration_ms,
            duration_buckets, lateness_count, lateness_ms, lateness_max_ms, lateness_buckets)
    SELECT 'epoch', project_id, CAST(:no_trigger AS uuid), source, outcome, sum(count),
           sum(duration_ms), {_summed("duration_buckets", DURATION_BOUNDS_MS)},
           sum(lateness_count), sum(lateness_ms), max(lateness_max_ms),
           {_summed("lateness_buckets", LATENESS_BOUNDS_MS)}
      FROM old
     GROUP BY project_id, source, outcome
    {ON_CONFLICT_ADD}
""")

SUMS = f"""
    coalesce(sum(count), 0) AS total, coalesce(sum(duration_ms), 0) AS duration_ms,
    {_summed("duration_buckets", DURATION_BOUNDS_MS)} AS duration_buckets,
    coalesce(sum(lateness_count), 0) AS lateness_count,
    coalesce(sum(lateness_ms), 0) AS lateness_ms,
    coalesce(max(lateness_max_ms), 0) AS lateness_max_ms,
    {_summed("lateness_buckets", LATENESS_BOUNDS_MS)} AS lateness_buckets
"""


def totals(condition: str = "true") -> TextClause:
    return text(f"SELECT outcome, {SUMS} FROM delivery_stats WHERE {condition} GROUP BY outcome")


def finished(condition: str = "true") -> TextClause:
    return text(f"""
        SELECT source, outcome AS status, CAST(sum(count) AS bigint) AS total,
               CAST(coalesce(sum(count) FILTER (WHERE minute > :active_from), 0) AS bigint)
                   AS active,
               CAST(coalesce(sum(count) FILTER (
                   WHERE minute > :kept_from AND minute <= :active_from), 0) AS bigint)
                   AS archived
          FROM delivery_stats
         WHERE outcome <> 'retry' AND {condition}
         GROUP BY source, outcome
    """)


TOTALS, FINISHED = totals(), finished()


def outcome_totals(row: Row[Any]) -> OutcomeTotals:
    return OutcomeTotals(
        row.outcome,
        int(row.total),
        int(row.duration_ms),
        [int(bucket) for bucket in row.duration_buckets],
        int(row.lateness_count),
        int(row.lateness_ms),
        int(row.lateness_max_ms),
        [int(bucket) for bucket in row.lateness_buckets],
    )
