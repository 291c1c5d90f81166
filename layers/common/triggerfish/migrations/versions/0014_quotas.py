"""What each project adds is counted by the hour; ended imports are found by their end."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE project_usage (
            project_id UUID NOT NULL,
            hour TIMESTAMP WITH TIME ZONE NOT NULL,
            events BIGINT NOT NULL,
            size BIGINT NOT NULL,
            CONSTRAINT project_usage_pkey PRIMARY KEY (project_id, hour)
        )
    """)
    op.execute("CREATE INDEX project_usage_hour_idx ON project_usage (hour)")
    op.execute("""
        CREATE INDEX jobs_completed_idx ON jobs (completed_at) WHERE completed_at IS NOT NULL
    """)


def downgrade() -> None:
    op.execute("DROP INDEX jobs_completed_idx")
    op.execute("DROP TABLE project_usage")
