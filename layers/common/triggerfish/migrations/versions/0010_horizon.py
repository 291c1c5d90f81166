"""Event Horizon: import jobs, the log entries they read, the lines they could not; tickets."""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = """
    CREATE TABLE jobs (
        id UUID NOT NULL,
        project_id UUID NOT NULL,
        file_name TEXT NOT NULL,
        size BIGINT DEFAULT '0' NOT NULL,
        sha256 TEXT DEFAULT '' NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE,
        completed_at TIMESTAMP WITH TIME ZONE,
        next_line BIGINT DEFAULT '1' NOT NULL,
        next_offset BIGINT DEFAULT '0' NOT NULL,
        accepted BIGINT DEFAULT '0' NOT NULL,
        rejected BIGINT DEFAULT '0' NOT NULL,
        percent INTEGER DEFAULT '0' NOT NULL,
        stalls INTEGER DEFAULT '0' NOT NULL,
        lease_id UUID,
        lease_until TIMESTAMP WITH TIME ZONE,
        on_complete UUID,
        on_complete_event_id UUID,
        on_complete_error TEXT,
        resend_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT jobs_pkey PRIMARY KEY (id),
        CONSTRAINT jobs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id),
        CONSTRAINT jobs_status_check CHECK (status IN
            ('uploading', 'queued', 'processing', 'completed', 'failed', 'deleting')),
        CONSTRAINT jobs_final_check
            CHECK ((status IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
        CONSTRAINT jobs_lease_check CHECK ((status = 'processing') = (lease_id IS NOT NULL)),
        CONSTRAINT jobs_lease_until_check CHECK ((lease_id IS NULL) = (lease_until IS NULL)),
        CONSTRAINT jobs_lines_check CHECK (next_line - 1 = accepted + rejected),
        CONSTRAINT jobs_open_check
            CHECK (status IN ('completed', 'failed') OR resend_at IS NOT NULL)
    );
    CREATE INDEX jobs_list_idx ON jobs (project_id, created_at DESC, id DESC);
    CREATE INDEX jobs_open_idx ON jobs (resend_at) WHERE resend_at IS NOT NULL;

    CREATE TABLE log_entries (
        job_id UUID NOT NULL,
        line_no BIGINT NOT NULL,
        timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
        level TEXT NOT NULL,
        service TEXT NOT NULL,
        message TEXT NOT NULL,
        attributes TEXT NOT NULL,
        CONSTRAINT log_entries_pkey PRIMARY KEY (job_id, line_no)
    );

    CREATE TABLE job_errors (
        job_id UUID NOT NULL,
        line_no BIGINT NOT NULL,
        reason TEXT NOT NULL,
        CONSTRAINT job_errors_pkey PRIMARY KEY (job_id, line_no)
    );

    CREATE TABLE job_tickets (
        token_hash BYTEA NOT NULL,
        project_id UUID NOT NULL,
        job_id UUID NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT job_tickets_pkey PRIMARY KEY (token_hash)
    );
    CREATE INDEX job_tickets_expires_idx ON job_tickets (expires_at)
"""

DOWN = """
    DROP TABLE job_tickets;
    DROP TABLE job_errors;
    DROP TABLE log_entries;
    DROP TABLE jobs
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
