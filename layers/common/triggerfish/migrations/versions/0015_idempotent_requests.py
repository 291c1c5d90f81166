"""What keyed requests were answered, so that the same request again is answered the same."""

from alembic import op

revision = "0015"
down_revision = "0014"

UP = """
    CREATE TABLE idempotent_requests (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        operation TEXT NOT NULL,
        key TEXT NOT NULL,
        claimed_until TIMESTAMP WITH TIME ZONE NOT NULL,
        request_hash BYTEA,
        status INTEGER,
        answer TEXT,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT idempotent_requests_pkey PRIMARY KEY (id),
        CONSTRAINT idempotent_requests_key UNIQUE (project_id, operation, key),
        CONSTRAINT idempotent_requests_answer_check
            CHECK ((status IS NULL) = (answer IS NULL)
                   AND (status IS NULL) = (request_hash IS NULL))
    );
    CREATE INDEX idempotent_requests_expires_idx ON idempotent_requests (expires_at)
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE idempotent_requests")
