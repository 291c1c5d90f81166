"""The event catalogue and the outbox of its news."""

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from triggerfish.adapters.db.tables.schema import at, metadata

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
    at("start_at"),
    at("end_at"),
    Column("location", Text, nullable=False),
    Column("location_folded", Text, nullable=False),  # as searches compare it
    Column("status", Text, nullable=False),
    Column("internal_notes", Text),
    Column("created_by", Text, nullable=False),
    at("updated_at"),
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
    at("created_at"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    at("lease_until", nullable=True),
    at("resend_at", nullable=True),  # when the sweep takes it up, unless it is told before
    at("told_at", nullable=True),
    CheckConstraint("news IN ('created', 'published', 'cancelled')", name="news_check"),
    CheckConstraint("(told_at IS NULL) = (resend_at IS NOT NULL)", name="open_check"),
    Index(
        "catalogue_notifications_open_idx",
        "resend_at",
        postgresql_where=text("resend_at IS NOT NULL"),
    ),
)
