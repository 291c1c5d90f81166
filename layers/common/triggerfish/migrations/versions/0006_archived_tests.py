"""An index of the archive's test events."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX event_logs_archive_test_idx
            ON event_logs_archive (project_id, fired_at DESC, id DESC) WHERE is_test
    """)


def downgrade() -> None:
    op.execute("DROP INDEX event_logs_archive_test_idx")
