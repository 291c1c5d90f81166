"""What the platform tells of itself: operational events, statistics, heartbeats."""

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from triggerfish.adapters.db.tables.schema import at, metadata

# A trigger was disabled; written in one statement with the outcome that did it.
operational_events = Table(
    "operational_events",
    metadata,
    Column("project_id", UUID(), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("trigger_id", UUID(), primary_key=True),
    Column("reason", Text, nullable=False),
    at("failing_since"),
    Index("operational_events_at_idx", "at"),
)

delivery_stats = Table(
    "delivery_stats",
    metadata,
    Column("minute", DateTime(timezone=True), primary_key=True),  # in which the events fired
    Column("project_id", UUID(), primary_key=True),
    Column("trigger_id", UUID(), primary_key=True),  # zero for test runs of unsaved definitions
    Column("source", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("duration_buckets", ARRAY(BigInteger), nullable=False),
    Column("lateness_count", BigInteger, nullable=False),
    Column("lateness_ms", BigInteger, nullable=False),
    Column("lateness_max_ms", BigInteger, nullable=False),
    Column("lateness_buckets", ARRAY(BigInteger), nullable=False),
    Index("delivery_stats_project_idx", "project_id", "minute"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Text, primary_key=True),
    at("last_run_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("counts", JSONB, nullable=False),  # of the last run
    Column("totals", JSONB, nullable=False, server_default="{}"),  # of all runs
)
