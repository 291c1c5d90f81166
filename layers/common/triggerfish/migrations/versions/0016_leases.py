"""A lease names its worker; events that no message is about have an index."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = ("event_logs_active", "event_logs_archive")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN leased_by TEXT")
        op.execute(f"""
            CREATE INDEX {table}_unsent_idx ON {table} (next_attempt_at)
             WHERE status = 'pending' AND enqueued_at IS NULL
        """)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP INDEX {table}_unsent_idx")
        op.execute(f"ALTER TABLE {table} DROP COLUMN leased_by")
