"""Projects, the keys of their callers, and what keyed requests were answered."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from triggerfish.adapters.db.tables.schema import at, id_of, metadata

projects = Table(
    "projects",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    at("created_at"),
    Index("projects_list_idx", text("created_at DESC"), text("id DESC")),
)

# What a project has added in an hour, in events and in bytes of their payloads.
project_usage = Table(
    "project_usage",
    metadata,
    Column("project_id", UUID(), primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("project_usage_hour_idx", "hour"),
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
    at("created_at"),
    at("expires_at", nullable=True),
    at("revoked_at", nullable=True),
    at("last_used_at", nullable=True),
    id_of("replaced_by", nullable=True),  # the key that it was rotated into
    Index("api_keys_list_idx", "project_id", text("created_at DESC"), text("id DESC")),
)

# Without an answer, a request that is being carried out.
idempotent_requests = Table(
    "idempotent_requests",
    metadata,
    Column("id", UUID(), primary_key=True),
    id_of("project_id"),
    Column("operation", Text, nullable=False),  # method, path and query
    Column("key", Text, nullable=False),
    at("claimed_until"),
    Column("request_hash", LargeBinary),
    Column("status", Integer),
    Column("answer", Text),  # sealed by adapters/vault.py: it may show a secret
    at("expires_at"),
    UniqueConstraint("project_id", "operation", "key", name="idempotent_requests_key"),
    CheckConstraint(
        "(status IS NULL) = (answer IS NULL) AND (status IS NULL) = (request_hash IS NULL)",
        name="answer_check",
    ),
    Index("idempotent_requests_expires_idx", "expires_at"),
)
