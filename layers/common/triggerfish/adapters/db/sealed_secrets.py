"""Every stored secret, in bounded batches: to encrypt under another key while the platform runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.sealed_columns import (
    answer_context,
    headers_context,
    signing_context,
    token_context,
    verification_context,
)
from triggerfish.adapters.db.values import to_json
from triggerfish.adapters.vault import Vault, is_sealed

Contexts = Callable[[Row[Any]], dict[str, str]]


@dataclass(frozen=True)
class _Table:
    """A table with sealed columns, and what each of a row's secrets is bound to."""

    name: str
    read: TextClause
    contexts: Contexts

    def replace(self, column: str) -> TextClause:
        """Compare and set: a secret that was rotated meanwhile is left alone."""
        return text(f"""
            UPDATE {self.name} t SET {column} = fresh.after
              FROM json_to_recordset(CAST(:rows AS json))
                   AS fresh (id uuid, before text, after text)
             WHERE t.id = fresh.id AND t.{column} = fresh.before
            RETURNING t.id
        """)


def _of_revision(row: Row[Any]) -> dict[str, str]:
    owner = row.trigger_id or row.id
    return {
        "signing_secret": signing_context(owner),
        "previous_signing_secret": signing_context(owner),
        "endpoint_headers": headers_context(owner),
        "verification_secret": verification_context(owner),
    }


def _of_request(row: Row[Any]) -> dict[str, str]:
    return {"answer": answer_context(row.id)}


def _of_trigger(row: Row[Any]) -> dict[str, str]:
    return {"webhook_token": token_context(row.id)}


TABLES = (
    _Table(
        "trigger_revisions",
        text("""
            SELECT id, trigger_id, signing_secret, previous_signing_secret, endpoint_headers,
                   verification_secret
              FROM trigger_revisions WHERE id > :after ORDER BY id LIMIT :limit
        """),
        _of_revision,
    ),
    _Table(
        "triggers",
        text("SELECT id, webhook_token FROM triggers WHERE id > :after ORDER BY id LIMIT :limit"),
        _of_trigger,
    ),
    _Table(
        "idempotent_requests",
        text(
            "SELECT id, answer FROM idempotent_requests WHERE id > :after ORDER BY id LIMIT :limit"
        ),
        _of_request,
    ),
)

FIRST = UUID(int=0)
BATCH = 500


class SealedSecrets:
    """Walks the tables by id; what is sealed under the ring's first key already is not written."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def rekey(self, *, only_plain: bool = False) -> int:
        """Encrypt every secret under the first key, or only those that are not encrypted at all.

        How many were written. Raises UnreadableSecretError for one that no key opens.
        """
        changed = 0
        for table in TABLES:
            after: UUID | None = FIRST
            while after is not None:
                rows = await self._database.run(table.read, after=after, limit=BATCH)
                changed += await self._rekey(table, rows, only_plain)
                after = rows[-1].id if rows else None
        return changed

    async def _rekey(self, table: _Table, rows: list[Row[Any]], only_plain: bool) -> int:
        changed = 0
        for column, fresh in self._resealed(table, rows, only_plain).items():
            written = await self._database.run(table.replace(column), rows=to_json(fresh))
            changed += len(written)
        return changed

    def _resealed(
        self, table: _Table, rows: list[Row[Any]], only_plain: bool
    ) -> dict[str, list[dict[str, Any]]]:
        """By column, what is to be written."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            for column, context in table.contexts(row).items():
                stored = getattr(row, column)
                if stored is None or (only_plain and is_sealed(stored)):
                    continue
                fresh = self._vault.reseal(stored, context)
                if fresh != stored:
                    change = {"id": row.id, "before": stored, "after": fresh}
                    found.setdefault(column, []).append(change)
        return found
