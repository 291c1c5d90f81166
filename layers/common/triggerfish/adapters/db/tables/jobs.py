"""Imports of log files: jobs, their lines, their errors, and tickets to watch them."""

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
from sqlalchemy.dialects.postgresql import UUID

from triggerfish.adapters.db.tables.schema import at, metadata

FINAL = "status IN ('completed', 'failed')"

jobs = Table(
    "jobs",
    metadata,
    Column("id", UUID(), primary_key=True),
    Column("project_id", UUID(), ForeignKey("projects.id"), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("sha256", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False),
    Column("error", Text),
    at("created_at"),
    at("started_at", nullable=True),
    at("completed_at", nullable=True),
    # The checkpoint: what stands before it is stored, and counted.
    Column("next_line", BigInteger, nullable=False, server_default="1"),
    Column("next_offset", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("percent", Integer, nullable=False, server_default="0"),
    Column("stalls", Integer, nullable=False, server_default="0"),  # claims since the last batch
    Column("lease_id", UUID()),
    at("lease_until", nullable=True),
    Column("on_complete", UUID()),  # the API trigger that its end fires
    Column("on_complete_event_id", UUID()),
    Column("on_complete_error", Text),
    at("resend_at", nullable=True),  # when the sweep takes it up, unless it has moved on
    CheckConstraint(
        "status IN ('uploading', 'queued', 'processing', 'completed', 'failed', 'deleting')",
        name="status_check",
    ),
    CheckConstraint(f"({FINAL}) = (completed_at IS NOT NULL)", name="final_check"),
    CheckConstraint("(status = 'processing') = (lease_id IS NOT NULL)", name="lease_check"),
    CheckConstraint("(lease_id IS NULL) = (lease_until IS NULL)", name="lease_until_check"),
    CheckConstraint("next_line - 1 = accepted + rejected", name="lines_check"),
    CheckConstraint(f"{FINAL} OR resend_at IS NOT NULL", name="open_check"),
    Index("jobs_list_idx", "project_id", text("created_at DESC"), text("id DESC")),
    Index("jobs_completed_idx", "completed_at", postgresql_where=text("completed_at IS NOT NULL")),
    Index("jobs_open_idx", "resend_at", postgresql_where=text("resend_at IS NOT NULL")),
)

# No foreign keys on jobs: they would be checked line by line. Who adds lines holds the job's row.
log_entries = Table(
    "log_entries",
    metadata,
    Column("job_id", UUID(), primary_key=True),
    Column("line_no", BigInteger, primary_key=True),
    at("timestamp"),
    Column("level", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON text
)

job_errors = Table(
    "job_errors",
    metadata,
    Column("job_id", UUID(), primary_key=True),
    Column("line_no", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
)

job_tickets = Table(
    "job_tickets",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("project_id", UUID(), nullable=False),
    Column("job_id", UUID(), nullable=False),
    at("expires_at"),
    Index("job_tickets_expires_idx", "expires_at"),
)
