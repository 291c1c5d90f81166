"""Bugs that somebody might make, planted into the platform to see that the simulation finds them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.simulation.database import SimulatedDatabase
from triggerfish.adapters.accepted_events import BatchedAcceptedEvents
from triggerfish.adapters.behind import run_behind
from triggerfish.adapters.db import (
    deliveries,
    due_triggers,
    event_logs,
    held_events,
    retention,
    trigger_changes,
)
from triggerfish.adapters.db.deliveries import Deliveries
from triggerfish.adapters.db.overdue_events import OverdueEvents
from triggerfish.domain import firing
from triggerfish.domain.delivery import EventRef, Logged
from triggerfish.domain.exchange import OutboundRequest
from triggerfish.domain.firing import Fired
from triggerfish.usecases import attempt

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(patch: pytest.MonkeyPatch, module: Any, name: str, old: str, new: str) -> None:
    """A statement, or each of several, with a part of its text replaced."""
    found = getattr(module, name)

    def changed(statement: Any) -> Any:
        assert old in statement.text, f"{name} has no {old!r} any more"
        return text(statement.text.replace(old, new))

    if isinstance(found, dict):
        patch.setattr(module, name, {key: changed(one) for key, one in found.items()})
    else:
        patch.setattr(module, name, changed(found))


def an_outcome_is_written_without_the_lease(patch: pytest.MonkeyPatch) -> None:
    conditions = (
        "AND e.next_attempt_at IS NOT NULL",
        "AND e.attempt + CAST(e.lease_until IS NULL AS int) = o.attempt",
    )
    for condition in conditions:
        replaced(patch, deliveries, "SETTLE", condition, "")
        replaced(patch, deliveries, "SETTLE_AND_CLAIM", condition, "")


def a_retry_counts_no_attempt(patch: pytest.MonkeyPatch) -> None:
    for statement in ("CLAIM_ONLY", "SETTLE_AND_CLAIM", "CLAIM_ARCHIVED"):
        replaced(patch, deliveries, statement, "attempt = e.attempt + 1", "attempt = 1")


def the_sweep_finds_nothing(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> list[EventRef]:
        return []

    patch.setattr(OverdueEvents, "unsent", nothing)
    patch.setattr(OverdueEvents, "waiting", nothing)


def a_message_that_was_sent_is_never_sent_again(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> list[EventRef]:
        return []

    patch.setattr(OverdueEvents, "waiting", nothing)


def an_occurrence_is_logged_in_a_transaction_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """And the index that refuses a second event is ignored."""

    async def fire(self: Any, decide: Any, **options: Any) -> Any:
        database: SimulatedDatabase = self._database
        limits = {name: options[name] for name in ("now", "until", "limit", "only")}
        async with database.transaction() as connection:
            due = await due_triggers._claim_due(connection, **limits)  # type: ignore[arg-type]
            waiting = await due_triggers._waiting(connection, due, options["now"])  # type: ignore[arg-type]
            plans = decide(due, waiting).plans
            refs = await due_triggers._insert_events(
                connection,  # type: ignore[arg-type]
                plans,
                options["new_id"],
                now=options["now"],
                until=options["until"],
            )
        async with database.transaction() as connection:
            await due_triggers._advance(connection, plans)  # type: ignore[arg-type]
        return Fired(len(due), refs, sum(plan.skipped for plan in plans))

    patch.setattr(due_triggers.DueTriggers, "fire", fire)
    conflict = "ON CONFLICT (trigger_id, scheduled_for) WHERE source = 'scheduled' DO NOTHING"
    replaced(patch, event_logs, "INSERT_SCHEDULED", conflict, "")


def a_call_is_answered_before_its_commit(patch: pytest.MonkeyPatch) -> None:
    made = BatchedAcceptedEvents.__init__

    def init(self: Any, *arguments: Any) -> None:
        made(self, *arguments)
        store = self.insert

        async def insert(event: Any) -> bool:
            async def later() -> None:
                await store(event)

            run_behind(later())
            return True

        self.insert = insert

    patch.setattr(BatchedAcceptedEvents, "__init__", init)


def retention_copies_and_does_not_delete(patch: pytest.MonkeyPatch) -> None:
    moved = "DELETE FROM event_logs_active e USING old WHERE e.id = old.id RETURNING e.*"
    copied = "SELECT e.* FROM event_logs_active e JOIN old ON e.id = old.id"
    replaced(patch, retention, "MOVE", moved, copied)


def retention_forgets_open_events(patch: pytest.MonkeyPatch) -> None:
    select = "FROM moved"
    replaced(patch, retention, "MOVE", select, "FROM moved WHERE completed_at IS NOT NULL")


def an_edit_leaves_what_was_looked_ahead(patch: pytest.MonkeyPatch) -> None:
    replaced(patch, trigger_changes, "LOCK_AHEAD", "WHERE trigger_id", "WHERE false AND trigger_id")


def a_key_is_kept_without_its_event(patch: pytest.MonkeyPatch) -> None:
    """Every call with a key makes a new event."""
    from triggerfish.adapters.db import idempotency_keys

    replaced(patch, idempotency_keys, "INSERT_KEYED", "WHERE k.expires_at <= :fired_at", "")
    replaced(patch, idempotency_keys, "FIND", "expires_at > :now", "expires_at < :now")


def a_body_is_written_anew_for_a_retry(patch: pytest.MonkeyPatch) -> None:
    made = attempt.request_for

    def request_for(event: Any, settings: Any, *, at: datetime) -> OutboundRequest:
        request = made(event, settings, at=at)
        if event.attempt == 1:
            return request
        body = request.body.replace(b": ", b":")
        return OutboundRequest(request.url, request.headers, body, request.timeout_seconds)

    patch.setattr(attempt, "request_for", request_for)


def the_tick_forgets_what_it_missed(patch: pytest.MonkeyPatch) -> None:
    made = firing.plan

    def plan(trigger: Any, *, now: datetime, until: datetime) -> Any:
        decided = made(trigger, now=now, until=until)
        late = [one for one in decided.firings if one.scheduled_for < now]
        kept: Sequence[Any] = decided.firings if len(late) < 3 else decided.firings[1:]
        return type(decided)(trigger, tuple(kept), decided.skipped, decided.next)

    patch.setattr(firing, "plan", plan)


def a_claim_ignores_anothers_lease(patch: pytest.MonkeyPatch) -> None:
    """And takes an event that another worker is just posting for one that is due."""
    for statement in ("CLAIM_ONLY", "SETTLE_AND_CLAIM"):
        replaced(patch, deliveries, statement, "AND status = 'pending'", "")
        replaced(
            patch,
            deliveries,
            statement,
            "<= (a.endpoint_key, :now)",
            "<= (a.endpoint_key, 'infinity')",
        )


def a_withdrawn_event_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Its message is then taken for one about an event that never was."""
    remembered = "SELECT id, fired_at FROM removed"
    replaced(patch, trigger_changes, "REMOVE", remembered, remembered + " WHERE false")


def an_unknown_event_is_dropped(patch: pytest.MonkeyPatch) -> None:
    async def logged(self: Deliveries, event_ids: Sequence[UUID]) -> list[Logged]:
        return [Logged.ACTIVE for _ in event_ids]

    patch.setattr(Deliveries, "logged", logged)


def a_release_lets_nothing_go(patch: pytest.MonkeyPatch) -> None:
    replaced(patch, held_events, "RELEASE", "status = 'held'", "false")


BUGS: tuple[Plant, ...] = (
    an_outcome_is_written_without_the_lease,
    a_retry_counts_no_attempt,
    the_sweep_finds_nothing,
    a_message_that_was_sent_is_never_sent_again,
    a_call_is_answered_before_its_commit,
    retention_copies_and_does_not_delete,
    retention_forgets_open_events,
    an_edit_leaves_what_was_looked_ahead,
    a_key_is_kept_without_its_event,
    a_body_is_written_anew_for_a_retry,
    the_tick_forgets_what_it_missed,
    a_claim_ignores_anothers_lease,
    a_withdrawn_event_is_forgotten,
    an_unknown_event_is_dropped,
    a_release_lets_nothing_go,
)
