"""Test runs: events that somebody asked for, of a trigger or of a definition that is not saved."""

from typing import Any

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.event_logs import ACTIVE
from triggerfish.adapters.db.trigger_rows import insert_revision
from triggerfish.adapters.vault import Vault
from triggerfish.domain.manual_test import ManualTest
from triggerfish.domain.trigger import Revision


def _insert(origin: str) -> TextClause:
    return text(f"""
        INSERT INTO {ACTIVE}
               (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, note,
                scheduled_for, fired_at, payload, endpoint_key, status, attempt, next_attempt_at,
                enqueued_at)
        SELECT :id, r.project_id, r.trigger_id, r.id, r.type, 'manual-test', true, :note,
               :due_at, :due_at, :payload, r.endpoint_key, 'pending', 0, :due_at,
               CAST(:enqueued_at AS timestamptz)
          FROM {origin}
        RETURNING id
    """)


# The lock has a deletion of the trigger come before, and then nothing is stored, or after.
INSERT_OF_TRIGGER = _insert("""
    trigger_revisions r JOIN triggers t ON t.id = r.trigger_id
     WHERE r.id = :revision_id AND t.project_id = :project_id
       FOR KEY SHARE OF t
""")
INSERT_UNSAVED = _insert("""
    trigger_revisions r
     WHERE r.id = :revision_id AND r.project_id = :project_id
""")

# Nothing but the event refers to it: from now on retention keeps it as long as the event.
RETIRE_REVISION = text("""
    UPDATE trigger_revisions SET retired_at = :due_at WHERE id = :revision_id
""")


class ManualTests:
    """Writes of test runs; they are read and delivered like all events."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def insert(self, test: ManualTest) -> bool:
        """Store the event of a trigger's test; False when its trigger is gone by now."""
        return bool(await self._database.run(INSERT_OF_TRIGGER, **_values(test)))

    async def insert_unsaved(self, test: ManualTest, revision: Revision) -> None:
        """Store the event and the definition it fires with, in one transaction."""
        retired = {"revision_id": revision.id, "due_at": test.due_at}
        async with self._database.transaction() as connection:
            await insert_revision(
                connection, self._vault, revision, project_id=test.project_id, trigger_id=None
            )
            await fetch(connection, RETIRE_REVISION, retired)
            await fetch(connection, INSERT_UNSAVED, _values(test))


def _values(test: ManualTest) -> dict[str, Any]:
    return {
        "id": test.id,
        "project_id": test.project_id,
        "revision_id": test.revision_id,
        "due_at": test.due_at,
        "payload": test.payload,
        "note": test.note,
        "enqueued_at": test.enqueued_at,
    }
