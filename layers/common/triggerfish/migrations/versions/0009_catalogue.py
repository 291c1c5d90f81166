"""The event catalogue: its events, and the outbox of its notifications."""

from alembic import op

revision = "0009"
down_revision = "0008"

UP = """
    CREATE EXTENSION IF NOT EXISTS pg_trgm;

    CREATE TABLE catalogue_events (
        id UUID NOT NULL,
        title TEXT NOT NULL,
        start_at TIMESTAMP WITH TIME ZONE NOT NULL,
        end_at TIMESTAMP WITH TIME ZONE NOT NULL,
        location TEXT NOT NULL,
        location_folded TEXT NOT NULL,
        status TEXT NOT NULL,
        internal_notes TEXT,
        created_by TEXT NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        CONSTRAINT catalogue_events_pkey PRIMARY KEY (id),
        CONSTRAINT catalogue_events_status_check
            CHECK (status IN ('DRAFT', 'PUBLISHED', 'CANCELLED')),
        CONSTRAINT catalogue_events_times_check CHECK (start_at < end_at)
    );
    CREATE INDEX catalogue_events_start_idx ON catalogue_events (start_at, id) INCLUDE (status);
    CREATE INDEX catalogue_events_location_idx
        ON catalogue_events USING gin (location_folded gin_trgm_ops);

    CREATE TABLE catalogue_notifications (
        id UUID NOT NULL,
        event_id UUID NOT NULL,
        news TEXT NOT NULL,
        title TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        attempt INTEGER DEFAULT 0 NOT NULL,
        lease_until TIMESTAMP WITH TIME ZONE,
        resend_at TIMESTAMP WITH TIME ZONE,
        told_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT catalogue_notifications_pkey PRIMARY KEY (id),
        CONSTRAINT catalogue_notifications_event_id_fkey
            FOREIGN KEY (event_id) REFERENCES catalogue_events (id),
        CONSTRAINT catalogue_notifications_news_check
            CHECK (news IN ('created', 'published', 'cancelled')),
        CONSTRAINT catalogue_notifications_open_check
            CHECK ((told_at IS NULL) = (resend_at IS NOT NULL))
    );
    CREATE INDEX catalogue_notifications_open_idx
        ON catalogue_notifications (resend_at) WHERE resend_at IS NOT NULL
"""

# The extension stays: something else in the database may use it by now.
DOWN = """
    DROP TABLE catalogue_notifications;
    DROP TABLE catalogue_events
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
