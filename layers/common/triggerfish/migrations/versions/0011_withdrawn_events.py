"""Events that were withdrawn before they were due are remembered while a message may name them."""

from alembic import op

revision = "0011"
down_revision = "0010"

UP = """
    CREATE TABLE withdrawn_events (
        id UUID NOT NULL,
        fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT withdrawn_events_pkey PRIMARY KEY (id)
    );
    CREATE INDEX withdrawn_events_fired_idx ON withdrawn_events (fired_at)
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE withdrawn_events")
