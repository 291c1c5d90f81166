"""What must have happened, by a model too naive to share a mistake with the platform."""

import base64
import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.integration.vault import VAULT
from tests.simulation.customers import Receipt
from tests.simulation.platform import Platform
from triggerfish.adapters.db.sealed_columns import signing_context

KEPT = timedelta(hours=48)
CLOCKS = timedelta(minutes=1)
GRACE = timedelta(seconds=60)

TRIGGERS = """
    SELECT t.id, t.status, t.updated_at, t.skipped_count, t.next_occurrence_at, r.schedule, r.catch_up,
           r.catch_up_window_seconds AS window
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.type = 'scheduled'
"""

EVENTS = """
    SELECT e.id, e.trigger_id, e.source, e.scheduled_for, e.fired_at, e.payload, e.status,
           jsonb_array_length(e.attempts) AS attempts,
           r.signing_secret, coalesce(r.trigger_id, r.id) AS owner
      FROM (SELECT * FROM event_logs_active UNION ALL SELECT * FROM event_logs_archive) e
      JOIN trigger_revisions r ON r.id = e.revision_id
"""

HELD = """
    SELECT e.id
      FROM (SELECT * FROM event_logs_active UNION ALL SELECT * FROM event_logs_archive) e
      JOIN triggers t ON t.id = e.trigger_id
     WHERE e.status = 'held'
"""


class Lost(AssertionError):
    """A promise was broken; the message says which."""


@dataclass
class Period:
    """A schedule in force. Its bounds are instants, or two between which it is not decided."""

    schedule: dict[str, Any]
    start: tuple[datetime, datetime]
    end: tuple[datetime, datetime] | None = None


@dataclass
class Known:
    """A scheduled trigger as its customer knows it."""

    catch_up: str
    window: timedelta
    periods: list[Period] = field(default_factory=list)
    cursor: datetime | None = None  # what is earlier has been dealt with, by the platform's word
    deleted: bool = False

    @property
    def current(self) -> dict[str, Any] | None:
        last = self.periods[-1] if self.periods else None
        return last.schedule if last and last.end is None else None


class Model:
    """Follows what customers did and were told; `check` compares it with the log and receivers."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._world = platform.world
        self.triggers: dict[UUID, Known] = {}
        self.promised: dict[UUID, tuple[datetime, str]] = {}  # event → when we asked, payload
        self.keys: dict[tuple[UUID, str], UUID] = {}

    def promise(self, event_id: UUID, asked_at: datetime, payload: str) -> None:
        """The platform said that this event is accepted."""
        self.promised.setdefault(event_id, (asked_at, payload))

    def observe(self) -> None:
        """Learn what a change came to, whether or not we got an answer."""
        rows = {row.id: row for row in self._platform.storage.execute(TRIGGERS)}
        for id, row in rows.items():
            self._learn(self.triggers.setdefault(id, Known("", GRACE)), row)
        for id in self.triggers.keys() - rows.keys():
            self._forget(self.triggers[id])

    def _learn(self, known: Known, row: Any) -> None:
        at = (row.updated_at, self._world.latest if self._world.was_set_back else row.updated_at)
        # A disabled trigger fires too; its events are held.
        schedule = None if row.status == "paused" else row.schedule
        if schedule != known.current:
            if known.current is not None:
                known.periods[-1].end = at
            if schedule is not None:
                known.periods.append(Period(schedule, at))
        if known.catch_up != row.catch_up:  # what was missed before may be judged by either
            known.catch_up = row.catch_up if not known.catch_up else "none"
        known.window = timedelta(seconds=row.window)
        known.cursor = row.next_occurrence_at

    def _forget(self, known: Known) -> None:
        """A deletion takes with it what the tick has not fired by then."""
        if not known.deleted and known.current is not None:
            known.periods[-1].end = (known.cursor or self._world.latest, self._world.latest)
        known.deleted = True

    def check_at_rest(self) -> None:
        """When nothing is under way any more, and luck has been good for a while."""
        held = self._platform.storage.execute(HELD)
        if held:
            raise Lost(f"I4: {held[0].id} is held, although it was released")
        broker = self._platform.broker
        dead = {ref.event_id for message in broker.dead for ref in message.refs}
        for id in sorted(broker.strays - dead - broker.wiped):
            if id.version != 7 or _made_at(id) > self._kept_from():
                raise Lost(f"I12: the message of {id}, which never was, is no dead letter")

    def check(self) -> None:
        if doubled := self._platform.endpoints.doubled:
            raise Lost(f"I6: {doubled[0]}")
        if wronged := sorted(self._platform.broker.refused - self._platform.broker.strays):
            raise Lost(f"I12: the message of {wronged[0]}, which was an event, was refused")
        events = {row.id: row for row in self._platform.storage.execute(EVENTS)}
        self._check_promises(events)
        self._check_receipts(events)
        for id, known in self.triggers.items():
            logged = {
                row.scheduled_for
                for row in events.values()
                if row.trigger_id == id and row.source == "scheduled"
            }
            self._check_occurrences(id, known, logged)

    def _check_promises(self, events: dict[UUID, Any]) -> None:
        for id, (asked_at, payload) in self.promised.items():
            if asked_at <= self._kept_from():
                continue
            if id not in events:
                raise Lost(f"I3: {id} was accepted and is not in the log")
            if events[id].payload != payload:
                raise Lost(f"I3: {id} was accepted with {payload}, logged {events[id].payload}")

    def _check_receipts(self, events: dict[UUID, Any]) -> None:
        received: dict[UUID, list[Receipt]] = {}
        for receipt in self._platform.endpoints.receipts:
            received.setdefault(UUID(receipt.event_id), []).append(receipt)
        for id, receipts in received.items():
            if len({receipt.body for receipt in receipts}) > 1:
                raise Lost(f"I6: {id} was sent with different bodies")
            if id in events:
                for receipt in receipts:
                    _check_receipt(receipt, events[id])
            elif _made_at(id) > self._kept_from():
                raise Lost(f"I2: {id} was delivered and is not in the log")
        for event in events.values():
            self._check_deliveries(event, received.get(event.id, []))

    def _check_deliveries(self, event: Any, receipts: list[Receipt]) -> None:
        if event.status == "success" and not any(r.answered == 200 for r in receipts):
            raise Lost(f"I6: {event.id} is a success that nobody saw")
        under_way = event.attempts + (event.status == "delivering")
        if self._world.is_calm and len(receipts) > under_way:
            raise Lost(f"I6: {event.id} came {len(receipts)} times in {under_way} attempts")

    def _check_occurrences(self, id: UUID, known: Known, logged: set[datetime]) -> None:
        required, possible = set[datetime](), set[datetime]()
        kept_from = self._kept_from()
        logged = {at for at in logged if at > kept_from}
        for period in known.periods:
            start = max(period.start[0], kept_from)
            for at in occurrences(period.schedule, start, self._until(period)):
                possible.add(at)
                if period.start[1] < at and (period.end is None or at <= period.end[0]):
                    required.add(at)
        if extra := logged - possible:
            raise Lost(f"I2: {id} fired at {min(extra)}, when nothing was due")
        past = min(known.cursor or self._world.latest, self._world.latest)
        missing = {at for at in required - logged if at < past}
        for at in missing:
            if not self._may_be_skipped(known, at):
                raise Lost(f"I1: {id} was due at {at}, and nothing fired")
        if not known.deleted and len(missing) > self._skipped(id):
            raise Lost(f"I1: {id} did not fire {len(missing)} times, skipped {self._skipped(id)}")

    def _until(self, period: Period) -> datetime:
        ahead = self._world.latest + self._platform.settings.lookahead
        return ahead if period.end is None else period.end[1]

    def _may_be_skipped(self, known: Known, at: datetime) -> bool:
        """Whether no tick looked while the occurrence was still to be fired."""
        patience = max(known.window - 5 * GRACE, GRACE) if known.catch_up == "all" else GRACE
        looks = self._platform.looks
        next_look = bisect_left(looks, at)
        return next_look == len(looks) or looks[next_look] > at + patience - GRACE / 2

    def _skipped(self, id: UUID) -> int:
        sql = "SELECT skipped_count FROM triggers WHERE id = %s"
        [[skipped]] = self._platform.storage.execute(sql, (id,))
        return int(skipped)

    def _kept_from(self) -> datetime:
        return self._world.latest - KEPT + CLOCKS


def _made_at(id: UUID) -> datetime:
    """The time in a UUIDv7: an event fires then, or a little later."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def _check_receipt(receipt: Receipt, event: Any) -> None:
    if receipt.body != event.payload.encode():
        raise Lost(f"I6: {event.id} was sent with {receipt.body!r}, logged {event.payload}")
    if receipt.latest < event.scheduled_for:
        raise Lost(f"I7: {event.id} was sent at {receipt.at}, due at {event.scheduled_for}")
    secret = VAULT.open(event.signing_secret, signing_context(event.owner))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = receipt.headers["webhook-timestamp"]
    signed = f"{event.id}.{stamp}.".encode() + receipt.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    if f"v1,{expected}" not in receipt.headers["webhook-signature"].split():
        raise Lost(f"I6: {event.id} was sent with a wrong signature")


def occurrences(schedule: dict[str, Any], after: datetime, until: datetime) -> Iterator[datetime]:
    """Every occurrence in (after, until], by trying instant after instant."""
    if "at" in schedule:
        candidates = iter([datetime.fromisoformat(schedule["at"])])
    elif "every" in schedule:
        candidates = _grid(schedule, after, until)
    else:
        candidates = _minutes(schedule["cron"], after, until)
    for at in candidates:
        if after < at <= until:
            yield at


def _grid(schedule: dict[str, Any], after: datetime, until: datetime) -> Iterator[datetime]:
    at = datetime.fromisoformat(schedule["start_at"])
    units = {"s": 1, "m": 60, "h": 3600}
    step = timedelta(seconds=int(schedule["every"][:-1]) * units[schedule["every"][-1]])
    while at <= after:
        at += step
    while at <= until:
        yield at
        at += step


def _minutes(cron: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Of the form `*/n * * * *` only."""
    step = int(cron.split()[0].removeprefix("*/"))
    at = after.replace(second=0, microsecond=0)
    while at <= until:
        if at.minute % step == 0:
            yield at
        at += timedelta(minutes=1)
