"""Idempotency keys: written by the statement that writes the event, so there is never one alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE
from triggerfish.adapters.db.webhook_urls import token_holds
from triggerfish.domain.event_log import AcceptedEvent
from triggerfish.domain.idempotency import KEPT, FirstRequest, KeyedRequest

# Of calls at the same time the first one takes the key, and the others wait for its commit here.
INSERT_KEYED = text(f"""
    WITH target AS (
        SELECT t.id, t.project_id, r.endpoint_key
          FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
         WHERE t.id = :trigger_id AND t.revision_id = :revision_id
           AND t.status IN ('active', 'disabled')
           AND {token_holds(":token_hash", ":fired_at")}),
    taken AS (
        INSERT INTO idempotency_keys AS k (trigger_id, key, request_hash, event_id, expires_at)
        SELECT id, :key, :request_hash, :event_id, :expires_at FROM target
        ON CONFLICT (trigger_id, key) DO UPDATE
           SET request_hash = excluded.request_hash,
               event_id = excluded.event_id,
               expires_at = excluded.expires_at
         WHERE k.expires_at <= :fired_at
        RETURNING event_id)
    INSERT INTO {ACTIVE}
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at, enqueued_at, hops)
    SELECT taken.event_id, target.project_id, target.id, :revision_id, 'api', 'api', false,
           :fired_at, :fired_at, :payload, target.endpoint_key, 'pending', 0, :fired_at,
           :fired_at, :hops
      FROM target, taken
    RETURNING id
""")

FIND = text("""
    SELECT request_hash, event_id FROM idempotency_keys
     WHERE trigger_id = :trigger_id AND key = :key AND expires_at > :now
""")


class IdempotencyKeys:
    """What each key of a trigger was first used for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, trigger_id: UUID, key: str, *, now: datetime) -> FirstRequest | None:
        rows = await self._database.run(FIND, trigger_id=trigger_id, key=key, now=now)
        return FirstRequest(bytes(rows[0].request_hash), rows[0].event_id) if rows else None

    async def insert(self, event: AcceptedEvent, request: KeyedRequest) -> bool:
        """Store a webhook event and its key, both or neither.

        False when the key is taken, or the trigger is gone, paused or has a new revision.
        """
        rows = await self._database.run(
            INSERT_KEYED,
            trigger_id=event.trigger_id,
            revision_id=event.revision_id,
            event_id=event.id,
            fired_at=event.fired_at,
            payload=event.payload,
            hops=event.hops,
            token_hash=event.token_hash,
            key=request.key,
            request_hash=request.body_hash,
            expires_at=event.fired_at + KEPT,
        )
        return bool(rows)
