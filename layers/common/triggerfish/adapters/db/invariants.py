"""Checks the invariants on a database that others are working on: all rules see one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from triggerfish.adapters.db.invariant_rule import EVENTS, Rule
from triggerfish.adapters.db.invariant_rules import QUEUE, RULES
from triggerfish.domain.errors import TryLater
from triggerfish.domain.retention import CLOCKS, RetentionPolicy

EXAMPLES = 10
CONNECT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class QueueReading:
    """What the queue says: messages that wait for a worker, and the events of dead letters."""

    waiting: int
    dead_jobs: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """As of when the rules are judged.

    `ticked_at` and `retained_at` are instants until which the tick and retention have surely done
    their work; None leaves the rules about that unjudged, and so does no reading of the queue.
    """

    now: datetime
    retention: RetentionPolicy
    ticked_at: datetime | None = None
    retained_at: datetime | None = None
    queue: QueueReading | None = None

    @property
    def rules(self) -> list[Rule]:
        return RULES if self.queue is None else RULES + QUEUE

    def values(self) -> dict[str, Any]:
        return {
            "now": self.now,
            "active_from": self.retention.active_from(self.now),
            "kept_from": self.retention.kept_from(self.now),
            "ticked_at": self.ticked_at,
            "retained_at": self.retained_at,
            "clocks": CLOCKS,
            "waiting": self.queue.waiting if self.queue else None,
            "dead_jobs": list(self.queue.dead_jobs) if self.queue else None,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How often a rule is broken, and the first few places."""

    rule: Rule
    broken: int
    examples: Sequence[Mapping[str, Any]]


def check_invariants(database_url: str, reading: Reading) -> list[Verdict]:
    """Judge every rule in one snapshot; writes nothing. Raises TryLater if Postgres is away."""
    dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            return [_judge(connection, rule, reading.values()) for rule in reading.rules]
    except psycopg.OperationalError as error:
        raise TryLater("The database is not reachable; try again shortly.") from error


def _judge(connection: psycopg.Connection[Any], rule: Rule, values: Mapping[str, Any]) -> Verdict:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_limited(rule.query), values).fetchall()
    total = rows[0].pop("broken_in_all") if rows else 0
    for row in rows[1:]:
        del row["broken_in_all"]
    return Verdict(rule, total, rows)


def _limited(query: LiteralString) -> LiteralString:
    return f"""
        SELECT count(*) OVER () AS broken_in_all, found.*
          FROM (WITH {EVENTS} {query}) AS found
         LIMIT {EXAMPLES}
    """
