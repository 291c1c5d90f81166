"""Secrets at rest: columns for what is sealed, the signing secret that was rotated out, verification.

Values stay as they are; `triggerfish migrate` seals them afterwards. Going down keeps what is
sealed as it is, so the version before cannot use it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = """
    ALTER TABLE trigger_revisions ADD COLUMN endpoint_headers TEXT;
    ALTER TABLE trigger_revisions ADD COLUMN verification JSONB;
    ALTER TABLE trigger_revisions ADD COLUMN verification_secret TEXT;
    ALTER TABLE trigger_revisions ADD COLUMN previous_signing_secret TEXT;
    ALTER TABLE trigger_revisions ADD COLUMN previous_secret_until TIMESTAMPTZ;

    UPDATE trigger_revisions
       SET endpoint_headers = CAST(endpoint -> 'headers' AS TEXT),
           endpoint = jsonb_set(endpoint, '{headers}', '{}')
     WHERE endpoint -> 'headers' <> '{}'
"""

DOWN = """
    UPDATE trigger_revisions
       SET endpoint = jsonb_set(endpoint, '{headers}', CAST(endpoint_headers AS JSONB))
     WHERE endpoint_headers LIKE '{%';
    ALTER TABLE trigger_revisions DROP COLUMN previous_secret_until;
    ALTER TABLE trigger_revisions DROP COLUMN previous_signing_secret;
    ALTER TABLE trigger_revisions DROP COLUMN verification_secret;
    ALTER TABLE trigger_revisions DROP COLUMN verification;
    ALTER TABLE trigger_revisions DROP COLUMN endpoint_headers
"""


def upgrade() -> None:
    for statement in UP.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN.split(";"):
        op.execute(statement)
