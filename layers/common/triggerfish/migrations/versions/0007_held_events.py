"""Triggers say since when and why they are disabled; their events are held until released."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
    ALTER TABLE triggers ADD COLUMN failing_since TIMESTAMP WITH TIME ZONE;
    ALTER TABLE triggers ADD COLUMN disabled_at TIMESTAMP WITH TIME ZONE;
    ALTER TABLE triggers ADD COLUMN disabled_reason TEXT;
    UPDATE triggers SET disabled_at = updated_at, disabled_reason = 'gone'
     WHERE status = 'disabled';
    ALTER TABLE triggers ADD CONSTRAINT triggers_disabled_check
          CHECK ((status = 'disabled') = (disabled_at IS NOT NULL)
                 AND (status = 'disabled') = (disabled_reason IS NOT NULL));
    DROP INDEX triggers_due_idx;
    CREATE INDEX triggers_due_idx ON triggers (next_fire_at) WHERE next_fire_at IS NOT NULL;
    CREATE TABLE operational_events (
        project_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        trigger_id UUID NOT NULL,
        reason TEXT NOT NULL,
        failing_since TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT operational_events_pkey PRIMARY KEY (project_id, at, trigger_id)
    );
    CREATE INDEX operational_events_at_idx ON operational_events (at)
"""

DOWN = """
    DROP TABLE operational_events;
    DROP INDEX triggers_due_idx;
    UPDATE triggers SET next_fire_at = NULL WHERE status = 'disabled';
    CREATE INDEX triggers_due_idx ON triggers (next_fire_at)
     WHERE status = 'active' AND next_fire_at IS NOT NULL;
    ALTER TABLE triggers DROP CONSTRAINT triggers_disabled_check;
    ALTER TABLE triggers DROP COLUMN disabled_reason;
    ALTER TABLE triggers DROP COLUMN disabled_at;
    ALTER TABLE triggers DROP COLUMN failing_since
"""

UP_LOGS = """
    ALTER TABLE {table} ADD COLUMN released_at TIMESTAMP WITH TIME ZONE;
    ALTER TABLE {table} DROP CONSTRAINT {table}_status_check;
    ALTER TABLE {table} ADD CONSTRAINT {table}_status_check
          CHECK (status IN ('pending', 'delivering', 'held', 'success', 'failure'));
    ALTER TABLE {table} ADD CONSTRAINT {table}_held_check CHECK (status <> 'held' OR attempt = 0);
    CREATE INDEX {table}_held_idx ON {table} (trigger_id, fired_at, id) WHERE status = 'held'
"""

# A held event was not attempted: to an older version it is one that waits.
DOWN_LOGS = """
    UPDATE {table} SET status = 'pending', next_attempt_at = now() WHERE status = 'held';
    DROP INDEX {table}_held_idx;
    ALTER TABLE {table} DROP CONSTRAINT {table}_held_check;
    ALTER TABLE {table} DROP CONSTRAINT {table}_status_check;
    ALTER TABLE {table} ADD CONSTRAINT {table}_status_check
          CHECK (status IN ('pending', 'delivering', 'success', 'failure'));
    ALTER TABLE {table} DROP COLUMN released_at
"""

TABLES = ("event_logs_active", "event_logs_archive")


def upgrade() -> None:
    _execute(UP, UP_LOGS)


def downgrade() -> None:
    _execute(DOWN, DOWN_LOGS)


def _execute(of_triggers: str, of_logs: str) -> None:
    for script in (of_triggers, *(of_logs.format(table=table) for table in TABLES)):
        for statement in script.split(";"):
            op.execute(statement)
