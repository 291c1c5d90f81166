"""API keys: rotation, lists, prefixes that no two keys share; projects have names of their own."""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = (
    "ALTER TABLE api_keys ADD COLUMN replaced_by UUID",
    # So far the first 12 characters of any key, which two keys could share.
    "UPDATE api_keys SET prefix = 'sha256:' || left(encode(key_hash, 'hex'), 16)",
    "CREATE INDEX api_keys_list_idx ON api_keys (project_id, created_at DESC, id DESC)",
    "CREATE INDEX projects_list_idx ON projects (created_at DESC, id DESC)",
    "ALTER TABLE projects ADD CONSTRAINT projects_name_key UNIQUE (name)",
)
# The prefixes stay: what they were cannot be told from a hash. `migrate` ensures the first key anew.
DOWNGRADE = (
    "ALTER TABLE projects DROP CONSTRAINT projects_name_key",
    "DROP INDEX projects_list_idx",
    "DROP INDEX api_keys_list_idx",
    "ALTER TABLE api_keys DROP COLUMN replaced_by",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
