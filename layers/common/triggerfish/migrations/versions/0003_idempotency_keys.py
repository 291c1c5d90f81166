"""Idempotency keys of webhook calls."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE idempotency_keys (
            trigger_id UUID NOT NULL,
            key TEXT NOT NULL,
            request_hash BYTEA NOT NULL,
            event_id UUID NOT NULL,
            expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT idempotency_keys_pkey PRIMARY KEY (trigger_id, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at)")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
