"""Statistics by source and by the minute of firing, totals of heartbeats, lists by status and source."""

from alembic import op

revision = "0005"
down_revision = "0004"

UP = """
    ALTER TABLE delivery_stats ADD COLUMN source TEXT NOT NULL DEFAULT 'api';
    ALTER TABLE delivery_stats ALTER COLUMN source DROP DEFAULT;
    ALTER TABLE delivery_stats DROP CONSTRAINT delivery_stats_pkey;
    ALTER TABLE delivery_stats ADD CONSTRAINT delivery_stats_pkey
          PRIMARY KEY (minute, project_id, trigger_id, source, outcome);
    CREATE INDEX delivery_stats_project_idx ON delivery_stats (project_id, minute);

    ALTER TABLE heartbeats ADD COLUMN totals JSONB DEFAULT '{}' NOT NULL;

    CREATE INDEX event_logs_active_status_idx
        ON event_logs_active (project_id, status, fired_at DESC, id DESC);
    CREATE INDEX event_logs_archive_status_idx
        ON event_logs_archive (project_id, status, fired_at DESC, id DESC);
    CREATE INDEX event_logs_archive_trigger_status_idx
        ON event_logs_archive (trigger_id, status, fired_at DESC, id DESC);
    CREATE INDEX event_logs_archive_source_idx
        ON event_logs_archive (project_id, source, fired_at DESC, id DESC)
"""

DOWN = """
    DROP INDEX event_logs_archive_source_idx;
    DROP INDEX event_logs_archive_trigger_status_idx;
    DROP INDEX event_logs_archive_status_idx;
    DROP INDEX event_logs_active_status_idx;
    ALTER TABLE heartbeats DROP COLUMN totals;
    DROP INDEX delivery_stats_project_idx;
    ALTER TABLE delivery_stats DROP CONSTRAINT delivery_stats_pkey;
    DELETE FROM delivery_stats WHERE source <> 'api';
    ALTER TABLE delivery_stats DROP COLUMN source;
    ALTER TABLE delivery_stats ADD CONSTRAINT delivery_stats_pkey
          PRIMARY KEY (minute, project_id, trigger_id, outcome)
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
