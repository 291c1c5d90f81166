"""The trigger platform: projects, keys, triggers, revisions, event logs, statistics, heartbeats."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
    CREATE TABLE delivery_stats (
        minute TIMESTAMP WITH TIME ZONE NOT NULL,
        project_id UUID NOT NULL,
        trigger_id UUID NOT NULL,
        outcome TEXT NOT NULL,
        count BIGINT NOT NULL,
        duration_ms BIGINT NOT NULL,
        duration_buckets BIGINT[] NOT NULL,
        lateness_count BIGINT NOT NULL,
        lateness_ms BIGINT NOT NULL,
        lateness_max_ms BIGINT NOT NULL,
        lateness_buckets BIGINT[] NOT NULL,
        CONSTRAINT delivery_stats_pkey PRIMARY KEY (minute, project_id, trigger_id, outcome)
    );

    CREATE TABLE event_logs_active (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        trigger_id UUID,
        revision_id UUID NOT NULL,
        trigger_type TEXT NOT NULL,
        source TEXT NOT NULL,
        is_test BOOLEAN NOT NULL,
        note TEXT,
        scheduled_for TIMESTAMP WITH TIME ZONE NOT NULL,
        fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
        payload TEXT NOT NULL,
        endpoint_key TEXT NOT NULL,
        status TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        next_attempt_at TIMESTAMP WITH TIME ZONE,
        enqueued_at TIMESTAMP WITH TIME ZONE,
        lease_until TIMESTAMP WITH TIME ZONE,
        replay_of UUID,
        attempts JSONB DEFAULT '[]' NOT NULL,
        last_status_code INTEGER,
        last_error TEXT,
        completed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT event_logs_active_pkey PRIMARY KEY (id),
        CONSTRAINT event_logs_active_status_check CHECK (status IN ('pending', 'delivering', 'success', 'failure')),
        CONSTRAINT event_logs_active_source_check CHECK (source IN ('api', 'scheduled', 'manual-test', 'replay')),
        CONSTRAINT event_logs_active_final_check CHECK ((status IN ('success', 'failure')) = (completed_at IS NOT NULL)),
        CONSTRAINT event_logs_active_open_check CHECK ((status IN ('pending', 'delivering')) = (next_attempt_at IS NOT NULL)),
        CONSTRAINT event_logs_active_lease_check CHECK ((status = 'delivering') = (lease_until IS NOT NULL))
    )
     WITH (fillfactor = 70);

    CREATE INDEX event_logs_active_fired_idx ON event_logs_active (fired_at);

    CREATE INDEX event_logs_active_list_idx ON event_logs_active (project_id, fired_at DESC, id DESC);

    CREATE UNIQUE INDEX event_logs_active_occurrence_key ON event_logs_active (trigger_id, scheduled_for) WHERE source = 'scheduled';

    CREATE INDEX event_logs_active_open_idx ON event_logs_active (next_attempt_at) WHERE status IN ('pending', 'delivering');

    CREATE INDEX event_logs_active_trigger_idx ON event_logs_active (trigger_id, fired_at DESC, id DESC);

    CREATE INDEX event_logs_active_waiting_idx ON event_logs_active (endpoint_key, next_attempt_at) WHERE status = 'pending';

    CREATE TABLE event_logs_archive (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        trigger_id UUID,
        revision_id UUID NOT NULL,
        trigger_type TEXT NOT NULL,
        source TEXT NOT NULL,
        is_test BOOLEAN NOT NULL,
        note TEXT,
        scheduled_for TIMESTAMP WITH TIME ZONE NOT NULL,
        fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
        payload TEXT NOT NULL,
        endpoint_key TEXT NOT NULL,
        status TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        next_attempt_at TIMESTAMP WITH TIME ZONE,
        enqueued_at TIMESTAMP WITH TIME ZONE,
        lease_until TIMESTAMP WITH TIME ZONE,
        replay_of UUID,
        attempts JSONB DEFAULT '[]' NOT NULL,
        last_status_code INTEGER,
        last_error TEXT,
        completed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT event_logs_archive_pkey PRIMARY KEY (fired_at, id),
        CONSTRAINT event_logs_archive_status_check CHECK (status IN ('pending', 'delivering', 'success', 'failure')),
        CONSTRAINT event_logs_archive_source_check CHECK (source IN ('api', 'scheduled', 'manual-test', 'replay')),
        CONSTRAINT event_logs_archive_final_check CHECK ((status IN ('success', 'failure')) = (completed_at IS NOT NULL)),
        CONSTRAINT event_logs_archive_open_check CHECK ((status IN ('pending', 'delivering')) = (next_attempt_at IS NOT NULL)),
        CONSTRAINT event_logs_archive_lease_check CHECK ((status = 'delivering') = (lease_until IS NOT NULL))
    )
     PARTITION BY RANGE (fired_at);

    CREATE INDEX event_logs_archive_id_idx ON event_logs_archive (id);

    CREATE INDEX event_logs_archive_list_idx ON event_logs_archive (project_id, fired_at DESC, id DESC);

    CREATE INDEX event_logs_archive_open_idx ON event_logs_archive (next_attempt_at) WHERE status IN ('pending', 'delivering');

    CREATE INDEX event_logs_archive_trigger_idx ON event_logs_archive (trigger_id, fired_at DESC, id DESC);

    CREATE INDEX event_logs_archive_waiting_idx ON event_logs_archive (endpoint_key, next_attempt_at) WHERE status = 'pending';

    CREATE TABLE heartbeats (
        name TEXT NOT NULL,
        last_run_at TIMESTAMP WITH TIME ZONE NOT NULL,
        duration_ms INTEGER NOT NULL,
        counts JSONB NOT NULL,
        CONSTRAINT heartbeats_pkey PRIMARY KEY (name)
    );

    CREATE TABLE projects (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT projects_pkey PRIMARY KEY (id)
    );

    CREATE TABLE trigger_revisions (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        trigger_id UUID,
        number INTEGER NOT NULL,
        type TEXT NOT NULL,
        schedule JSONB,
        endpoint JSONB NOT NULL,
        endpoint_key TEXT NOT NULL,
        payload TEXT,
        schema JSONB,
        retry JSONB NOT NULL,
        catch_up TEXT NOT NULL,
        catch_up_window_seconds INTEGER NOT NULL,
        signing_secret TEXT NOT NULL,
        created_by TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        retired_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT trigger_revisions_pkey PRIMARY KEY (id)
    );

    CREATE INDEX trigger_revisions_retired_idx ON trigger_revisions (retired_at) WHERE retired_at IS NOT NULL;

    CREATE INDEX trigger_revisions_trigger_idx ON trigger_revisions (trigger_id, number);

    CREATE TABLE api_keys (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        key_hash BYTEA NOT NULL,
        scopes TEXT[] NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        last_used_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT api_keys_pkey PRIMARY KEY (id),
        CONSTRAINT api_keys_project_id_fkey FOREIGN KEY(project_id) REFERENCES projects (id),
        CONSTRAINT api_keys_prefix_key UNIQUE (prefix)
    );

    CREATE TABLE triggers (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        revision_id UUID NOT NULL,
        next_occurrence_at TIMESTAMP WITH TIME ZONE,
        next_fire_at TIMESTAMP WITH TIME ZONE,
        fired_count BIGINT DEFAULT '0' NOT NULL,
        skipped_count BIGINT DEFAULT '0' NOT NULL,
        webhook_token TEXT,
        webhook_token_hash BYTEA,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT triggers_pkey PRIMARY KEY (id),
        CONSTRAINT triggers_type_check CHECK (type IN ('scheduled', 'api')),
        CONSTRAINT triggers_status_check CHECK (status IN ('active', 'paused', 'completed', 'disabled')),
        CONSTRAINT triggers_token_check CHECK ((type = 'api') = (webhook_token_hash IS NOT NULL)),
        CONSTRAINT triggers_project_id_fkey FOREIGN KEY(project_id) REFERENCES projects (id),
        CONSTRAINT triggers_webhook_token_hash_key UNIQUE (webhook_token_hash)
    );

    CREATE INDEX triggers_due_idx ON triggers (next_fire_at) WHERE status = 'active' AND next_fire_at IS NOT NULL;

    CREATE INDEX triggers_list_idx ON triggers (project_id, created_at DESC, id DESC);
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE triggers, api_keys, trigger_revisions, projects, heartbeats, event_logs_archive, event_logs_active, delivery_stats")
