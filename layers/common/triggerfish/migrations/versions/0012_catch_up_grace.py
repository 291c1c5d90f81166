"""How late a firing may be before it counts as missed becomes a setting of the trigger."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE trigger_revisions"
        " ADD COLUMN catch_up_grace_seconds INTEGER NOT NULL DEFAULT 60"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE trigger_revisions DROP COLUMN catch_up_grace_seconds")
