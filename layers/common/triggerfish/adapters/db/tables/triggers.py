"""Triggers, their revisions, and the webhook URLs they had before."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from triggerfish.adapters.db.tables.schema import at, id_of, metadata

triggers = Table(
    "triggers",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("project_id", UUID(), ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    id_of("revision_id"),
    # The occurrence in the schedule, and the instant it fires at (later by its jitter).
    at("next_occurrence_at", nullable=True),
    at("next_fire_at", nullable=True),
    Column("fired_count", BigInteger, nullable=False, server_default="0"),
    Column("skipped_count", BigInteger, nullable=False, server_default="0"),
    Column("webhook_token", Text),
    Column("webhook_token_hash", LargeBinary, unique=True),
    at("failing_since", nullable=True),  # nothing but failures since then
    at("disabled_at", nullable=True),
    Column("disabled_reason", Text),
    at("created_at"),
    at("updated_at"),
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
    at("valid_until"),
    Index("previous_webhook_tokens_trigger_idx", "trigger_id"),
)

trigger_revisions = Table(
    "trigger_revisions",
    metadata,
    Column("id", UUID(), primary_key=True),
    id_of("project_id"),
    id_of("trigger_id", nullable=True),  # null for a test run of an unsaved definition
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
    Column("catch_up_grace_seconds", Integer, nullable=False, server_default=text("60")),
    # Sealed by adapters/vault.py. The secrets are the trigger's: a rotation changes them in all of
    # its revisions, so that a retry of an old event is signed as a new event is.
    Column("endpoint_headers", Text),
    Column("verification", JSONB),
    Column("verification_secret", Text),
    Column("signing_secret", Text, nullable=False),
    Column("previous_signing_secret", Text),
    at("previous_secret_until", nullable=True),
    Column("created_by", Text, nullable=False),
    at("created_at"),
    at("retired_at", nullable=True),  # its trigger was deleted; kept while an event refers to it
    Index("trigger_revisions_trigger_idx", "trigger_id", "number"),
    Index(
        "trigger_revisions_retired_idx",
        "retired_at",
        postgresql_where=text("retired_at IS NOT NULL"),
    ),
)
