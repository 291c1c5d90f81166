"""Every table, constraint and index, as SQLAlchemy Core; a test compares it with the migrations."""

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)


def _at(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, UUID(), nullable=nullable)


projects = Table(
    "projects",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _at("created_at"),
    Index("projects_list_idx", text("created_at DESC"), text("id DESC")),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("project_id", UUID(), ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _at("last_used_at", nullable=True),
    _id("replaced_by", nullable=True),  # the key that it was rotated into
    Index("api_keys_list_idx", "project_id", text("created_at DESC"), text("id DESC")),
)

triggers = Table(
    "triggers",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("project_id", UUID(), ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    _id("revision_id"),
    # The occurrence in the schedule, and the instant it fires at (later by its jitter).
    _at("next_occurrence_at", nullable=True),
    _at("next_fire_at", nullable=True),
    Column("fired_count", BigInteger, nullable=False, server_default="0"),
    Column("skipped_count", BigInteger, nullable=False, server_default="0"),
    Column("webhook_token", Text),
    Column("webhook_token_hash", LargeBinary, unique=True),
    _at("failing_since", nullable=True),  # nothing but failures since then
    _at("disabled_at", nullable=True),
    Column("disabled_reason", Text),
    _at("created_at"),
    _at("updated_at"),
    CheckConstraint("type IN ('scheduled', 'api')", name="type_check"),
    CheckConstraint("status IN ('active', 'paused', 'completed', 'disabled')", name="status_check"),
    CheckConstraint("(type = 'api') = (webhook_token_hash IS NOT NULL)", name="token_check"),
    CheckConstraint(
        "(status = 'disabled') = (disabled_at IS NOT NULL)"
        " AND (status = 'disabled') = (disabled_reason IS NOT NULL)",
        name="disabled_check",
    ),
    Index("triggers_list_idx", "project_id", text("created_at DESC"), text("id DESC")),
    Index(
        "triggers_due_idx",
        "next_fire_at",
        postgresql_where=text("next_fire_at IS NOT NULL"),
    ),
)

# Webhook URLs that were rotated out and still work for a while.
previous_webhook_tokens = Table(
    "previous_webhook_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("trigger_id", UUID(), ForeignKey("triggers.id", ondelete="CASCADE"), nullable=False),
    _at("valid_until"),
    Index("previous_webhook_tokens_trigger_idx", "trigger_id"),
)

trigger_revisions = Table(
    "trigger_revisions",
    metadata,
    Column("id", UUID(), primary_key=True),
    _id("project_id"),
    _id("trigger_id", nullable=True),  # null for a test run of an unsaved definition
    Column("number", Integer, nullable=False),
    Column("name", Text),  # null in revisions older than the column
    Column("type", Text, nullable=False),
    Column("schedule", JSONB),
    Column("endpoint", JSONB, nullable=False),
    Column("endpoint_key", Text, nullable=False),
    Column("payload", Text),  # the exact JSON text that is delivered
    Column("schema", JSONB),
    Column("retry", JSONB, nullable=False),
    Column("catch_up", Text, nullable=False),
    Column("catch_up_window_seconds", Integer, nullable=False),
    # Sealed by adapters/vault.py. The secrets are the trigger's: a rotation changes them in all of
    # its revisions, so that a retry of an old event is signed as a new event is.
    Column("endpoint_headers", Text),
    Column("verification", JSONB),
    Column("verification_secret", Text),
    Column("signing_secret", Text, nullable=False),
    Column("previous_signing_secret", Text),
    _at("previous_secret_until", nullable=True),
    Column("created_by", Text, nullable=False),
    _at("created_at"),
    _at("retired_at", nullable=True),  # its trigger was deleted; kept while an event refers to it
    Index("trigger_revisions_trigger_idx", "trigger_id", "number"),
    Index(
        "trigger_revisions_retired_idx",
        "retired_at",
        postgresql_where=text("retired_at IS NOT NULL"),
    ),
)

FINAL = "status IN ('success', 'failure')"
OPEN = "status IN ('pending', 'delivering')"


def _event_log_columns() -> list[Column[object] | CheckConstraint]:
    return [
        _id("project_id"),
        _id("trigger_id", nullable=True),
        _id("revision_id"),
        Column("trigger_type", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("is_test", Boolean, nullable=False),
        Column("note", Text),
        _at("scheduled_for"),
        _at("fired_at"),
        Column("payload", Text, nullable=False),  # JSON text, byte for byte what is delivered
        Column("endpoint_key", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        _at("next_attempt_at", nullable=True),
        _at("enqueued_at", nullable=True),
        _at("lease_until", nullable=True),
        _id("replay_of", nullable=True),
        Column("attempts", JSONB, nullable=False, server_default="[]"),
        Column("last_status_code", Integer),
        Column("last_error", Text),
        _at("completed_at", nullable=True),
        _at("released_at", nullable=True),  # it was held until then
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
    _id("id"),
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
    _at("fired_at"),
    Index("withdrawn_events_fired_idx", "fired_at"),
)

# Written in one statement with the event; retention deletes them when they expire.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("trigger_id", UUID(), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    _id("event_id"),
    _at("expires_at"),
    Index("idempotency_keys_expires_idx", "expires_at"),
)

# A trigger was disabled; written in one statement with the outcome that did it.
operational_events = Table(
    "operational_events",
    metadata,
    Column("project_id", UUID(), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("trigger_id", UUID(), primary_key=True),
    Column("reason", Text, nullable=False),
    _at("failing_since"),
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
    _at("last_run_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("counts", JSONB, nullable=False),  # of the last run
    Column("totals", JSONB, nullable=False, server_default="{}"),  # of all runs
)

# Contains-searches read trigrams. Postgres ships the extension; a database's owner may create it.
event.listen(
    metadata,
    "before_create",
    DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm"),  # type: ignore[no-untyped-call]
)

catalogue_events = Table(
    "catalogue_events",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("title", Text, nullable=False),
    _at("start_at"),
    _at("end_at"),
    Column("location", Text, nullable=False),
    Column("location_folded", Text, nullable=False),  # as searches compare it
    Column("status", Text, nullable=False),
    Column("internal_notes", Text),
    Column("created_by", Text, nullable=False),
    _at("updated_at"),
    Column("version", Integer, nullable=False),  # counts changes: of two at once one is refused
    CheckConstraint("status IN ('DRAFT', 'PUBLISHED', 'CANCELLED')", name="status_check"),
    CheckConstraint("start_at < end_at", name="times_check"),
    # Pages and totals of every filter but locations are read from this one alone.
    Index("catalogue_events_start_idx", "start_at", "id", postgresql_include=["status"]),
    Index(
        "catalogue_events_location_idx",
        "location_folded",
        postgresql_using="gin",
        postgresql_ops={"location_folded": "gin_trgm_ops"},
    ),
)

# The outbox: written with the change that it tells of.
catalogue_notifications = Table(
    "catalogue_notifications",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("event_id", UUID(), ForeignKey("catalogue_events.id"), nullable=False),
    Column("news", Text, nullable=False),
    Column("title", Text, nullable=False),  # at that time
    _at("created_at"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    _at("lease_until", nullable=True),
    _at("resend_at", nullable=True),  # when the sweep takes it up, unless it is told before
    _at("told_at", nullable=True),
    CheckConstraint("news IN ('created', 'published', 'cancelled')", name="news_check"),
    CheckConstraint("(told_at IS NULL) = (resend_at IS NOT NULL)", name="open_check"),
    Index(
        "catalogue_notifications_open_idx",
        "resend_at",
        postgresql_where=text("resend_at IS NOT NULL"),
    ),
)
