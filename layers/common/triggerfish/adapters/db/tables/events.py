"""Event logs, active and archived, and what is kept beside them: idempotency keys."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from triggerfish.adapters.db.tables.schema import at, id_of, metadata

FINAL = "status IN ('success', 'failure')"
OPEN = "status IN ('pending', 'delivering')"


def _event_log_columns() -> list[Column[object] | CheckConstraint]:
    return [
        id_of("project_id"),
        id_of("trigger_id", nullable=True),
        id_of("revision_id"),
        Column("trigger_type", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("is_test", Boolean, nullable=False),
        Column("note", Text),
        at("scheduled_for"),
        at("fired_at"),
        Column("payload", Text, nullable=False),  # JSON text, byte for byte what is delivered
        Column("endpoint_key", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        at("next_attempt_at", nullable=True),
        at("enqueued_at", nullable=True),
        at("lease_until", nullable=True),
        Column("leased_by", Text),  # the worker's name; none where a worker cannot be known dead
        id_of("replay_of", nullable=True),
        Column("attempts", JSONB, nullable=False, server_default="[]"),
        Column("last_status_code", Integer),
        Column("last_error", Text),
        at("completed_at", nullable=True),
        at("released_at", nullable=True),  # it was held until then
        Column("hops", SmallInteger, nullable=False, server_default="0"),  # domain/hops.py
        CheckConstraint(
            "status IN ('pending', 'delivering', 'held', 'success', 'failure')",
            name="status_check",
        ),
        CheckConstraint("status <> 'held' OR attempt = 0", name="held_check"),
        CheckConstraint(
            "source IN ('api', 'scheduled', 'manual-test', 'replay')", name="source_check"
        ),
        CheckConstraint(f"({FINAL}) = (completed_at IS NOT NULL)", name="final_check"),
        CheckConstraint(f"({OPEN}) = (next_attempt_at IS NOT NULL)", name="open_check"),
        CheckConstraint("(status = 'delivering') = (lease_until IS NOT NULL)", name="lease_check"),
    ]


def _event_log_indexes(name: str) -> list[Index]:
    return [
        Index(f"{name}_list_idx", "project_id", text("fired_at DESC"), text("id DESC")),
        Index(f"{name}_trigger_idx", "trigger_id", text("fired_at DESC"), text("id DESC")),
        Index(f"{name}_status_idx", "project_id", "status", text("fired_at DESC"), text("id DESC")),
        Index(f"{name}_open_idx", "next_attempt_at", postgresql_where=text(OPEN)),
        Index(
            f"{name}_unsent_idx",
            "next_attempt_at",
            postgresql_where=text("status = 'pending' AND enqueued_at IS NULL"),
        ),
        Index(
            f"{name}_waiting_idx",
            "endpoint_key",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            f"{name}_held_idx",
            "trigger_id",
            "fired_at",
            "id",
            postgresql_where=text("status = 'held'"),
        ),
    ]


event_logs_active = Table(
    "event_logs_active",
    metadata,
    Column("id", UUID(), primary_key=True),
    *_event_log_columns(),
    *_event_log_indexes("event_logs_active"),
    # A firing can be logged once: duplicates are impossible by construction.
    Index(
        "event_logs_active_occurrence_key",
        "trigger_id",
        "scheduled_for",
        unique=True,
        postgresql_where=text("source = 'scheduled'"),
    ),
    Index("event_logs_active_fired_idx", "fired_at"),
    postgresql_with={"fillfactor": "70"},
)

# Partitions: one an hour of fired_at, made and dropped by retention.
event_logs_archive = Table(
    "event_logs_archive",
    metadata,
    id_of("id"),
    *_event_log_columns(),
    PrimaryKeyConstraint("fired_at", "id"),  # Postgres wants the partition key in it
    *_event_log_indexes("event_logs_archive"),
    Index("event_logs_archive_id_idx", "id"),
    # Written once and read often, so it affords more indexes than the active table.
    Index(
        "event_logs_archive_trigger_status_idx",
        "trigger_id",
        "status",
        text("fired_at DESC"),
        text("id DESC"),
    ),
    Index(
        "event_logs_archive_source_idx",
        "project_id",
        "source",
        text("fired_at DESC"),
        text("id DESC"),
    ),
    Index(  # tests are few: an index of only them costs next to nothing
        "event_logs_archive_test_idx",
        "project_id",
        text("fired_at DESC"),
        text("id DESC"),
        postgresql_where=text("is_test"),
    ),
    postgresql_partition_by="RANGE (fired_at)",
)

# Looked ahead and taken back before they were due; kept as long as they would have been, so that
# their messages are not mistaken for poison.
withdrawn_events = Table(
    "withdrawn_events",
    metadata,
    Column("id", UUID(), primary_key=True),
    at("fired_at"),
    Index("withdrawn_events_fired_idx", "fired_at"),
)

# Written in one statement with the event; retention deletes them when they expire.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("trigger_id", UUID(), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    id_of("event_id"),
    at("expires_at"),
    Index("idempotency_keys_expires_idx", "expires_at"),
)
