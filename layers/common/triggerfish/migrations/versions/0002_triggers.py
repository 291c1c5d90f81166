"""Earlier webhook URLs, which work until their grace is over; the names of revisions."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE previous_webhook_tokens (
            token_hash BYTEA NOT NULL,
            trigger_id UUID NOT NULL,
            valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT previous_webhook_tokens_pkey PRIMARY KEY (token_hash),
            CONSTRAINT previous_webhook_tokens_trigger_id_fkey FOREIGN KEY(trigger_id)
                REFERENCES triggers (id) ON DELETE CASCADE
        )
    """)
    op.execute(
        "CREATE INDEX previous_webhook_tokens_trigger_idx ON previous_webhook_tokens (trigger_id)"
    )
    op.execute("ALTER TABLE trigger_revisions ADD COLUMN name TEXT")


def downgrade() -> None:
    op.execute("ALTER TABLE trigger_revisions DROP COLUMN name")
    op.execute("DROP TABLE previous_webhook_tokens")
