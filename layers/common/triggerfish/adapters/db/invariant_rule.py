"""What a rule of the invariants is: a query for whatever breaks it.

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
