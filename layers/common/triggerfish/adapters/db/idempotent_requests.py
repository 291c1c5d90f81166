"""Requests with an idempotency key: claimed before they are carried out, answered once."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.sealed_columns import answer_context
from triggerfish.adapters.vault import Vault
from triggerfish.domain.idempotency import CLAIMED, KEPT, FirstAnswer
from triggerfish.ports import Clock, Ids

# Of requests at the same time the first one takes the key. A claim whose process died ends.
CLAIM = text("""
    INSERT INTO idempotent_requests AS r
           (id, project_id, operation, key, claimed_until, expires_at)
    VALUES (:id, :project_id, :operation, :key, :claimed_until, :expires_at)
    ON CONFLICT (project_id, operation, key) DO UPDATE
       SET id = excluded.id, claimed_until = excluded.claimed_until,
           expires_at = excluded.expires_at, request_hash = NULL, status = NULL, answer = NULL
     WHERE r.expires_at <= :now OR (r.status IS NULL AND r.claimed_until <= :now)
    RETURNING id
""")

FIND = text("""
    SELECT id, request_hash, status, answer FROM idempotent_requests
     WHERE project_id = :project_id AND operation = :operation AND key = :key
       AND status IS NOT NULL
""")

FINISH = text("""
    UPDATE idempotent_requests
       SET request_hash = :request_hash, status = :status, answer = :answer
     WHERE id = :id
""")

RELEASE = text("DELETE FROM idempotent_requests WHERE id = :id AND status IS NULL")


@dataclass(frozen=True, slots=True)
class IdempotentRequests:
    """What each key of a project was first used for, by operation."""

    database: Database
    vault: Vault
    clock: Clock
    ids: Ids

    async def claim(self, project_id: UUID, operation: str, key: str) -> UUID | None:
        """Take a key for a request that is to be carried out; None when it is taken."""
        now = self.clock.now()
        rows = await self.database.run(
            CLAIM,
            id=self.ids.uuid7(now),
            project_id=project_id,
            operation=operation,
            key=key,
            now=now,
            claimed_until=now + CLAIMED,
            expires_at=now + KEPT,
        )
        return rows[0].id if rows else None

    async def find(self, project_id: UUID, operation: str, key: str) -> FirstAnswer | None:
        """The first answer; None while its request is being carried out."""
        rows = await self.database.run(FIND, project_id=project_id, operation=operation, key=key)
        if not rows:
            return None
        answer = self.vault.open(rows[0].answer, answer_context(rows[0].id))
        return FirstAnswer(bytes(rows[0].request_hash), rows[0].status, answer)

    async def finish(self, claim: UUID, answer: FirstAnswer) -> None:
        """Keep the answer; it may show a secret, so it is sealed."""
        await self.database.run(
            FINISH,
            id=claim,
            request_hash=answer.body_hash,
            status=answer.status,
            answer=self.vault.seal(answer.text, answer_context(claim)),
        )

    async def release(self, claim: UUID) -> None:
        """Give the key back: the request came to nothing."""
        await self.database.run(RELEASE, id=claim)
