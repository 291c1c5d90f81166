"""An event knows how many triggers led to it."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = ("event_logs_active", "event_logs_archive")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN hops SMALLINT NOT NULL DEFAULT '0'")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN hops")
