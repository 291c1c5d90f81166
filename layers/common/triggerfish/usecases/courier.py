"""A courier delivers one endpoint's due events: it claims them, posts them, writes the outcomes.

A process has one courier at most for an endpoint, so the endpoint's limits are kept by
construction, and whenever a slot is free while events are due, the courier claims them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from cachetools import LRUCache

from triggerfish.domain.delivery import (
    Claim,
    Claimed,
    ClaimedEvent,
    DeliverySettings,
    Ending,
    EventRef,
    Held,
    Outcome,
    Returned,
    Settled,
)
from triggerfish.domain.endpoint_limits import limits_of
from triggerfish.domain.errors import TryLater
from triggerfish.domain.turns import Turns
from triggerfish.ports import Clock, Journal, Queue, Sender
from triggerfish.usecases.attempt import attempt, settings_for

# An outcome that cannot be written is kept as long as its lease surely lasts: its margin is 10 s.
SETTLE_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 4))
# While it waits for answers, a courier with a free slot looks this often for events whose message
# was lost. A look also begins at the oldest event again this often: see `_since`.
LOOK_SECONDS = 1.0
# While others hold the rows of due events, if only for a moment, it looks sooner, then ever later.
HELD_ROWS_SECONDS = 0.02
# An endpoint that answers quickly gets more events claimed than it has slots, so that its slots do
# not wait for the database: as many as it took since the last claim, up to so many a slot. Those
# that do not get a slot in this time, because it has become slow, are given back.
AHEAD_PER_SLOT = 4
AHEAD_SECONDS = 1.0
# Of a rate: how far ahead events are claimed, each to wait for its turn.
TURNS_AHEAD = timedelta(seconds=0.1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Deliveries(Protocol):
    """The rows of open events; concurrent calls are answered by one statement."""

    async def claim(self, claim: Claim) -> Claimed: ...

    async def claim_archived(self, event_ids: Sequence[UUID]) -> list[ClaimedEvent]:
        """Lease those of the archived events that are due and free."""
        ...

    async def settle(self, endings: Sequence[Ending], claim: Claim | None) -> Settled:
        """Write endings and, if asked to, claim further events.

        An ending is not written if another worker has claimed the event since.
        """
        ...


@dataclass(frozen=True, slots=True)
class CourierDeps:
    clock: Clock
    deliveries: Deliveries
    settings_of: Callable[[UUID], Awaitable[DeliverySettings]]
    current_settings: Callable[[UUID], Awaitable[DeliverySettings | None]]
    sender: Sender
    queue: Queue
    journal: Journal
    lookahead: timedelta
    concurrency: int
    turns: Turns = field(default_factory=Turns)


class Courier:
    """Works on one endpoint from `run` until nothing due is left there, or its time is up."""

    def __init__(self, endpoint_key: str, d: CourierDeps, couriers: "Couriers") -> None:
        self._key = endpoint_key
        self._d = d
        self._couriers = couriers
        limits = limits_of(endpoint_key)
        self._slots = limits.max_concurrency or d.concurrency
        self._interval = limits.interval
        self._posts: set[asyncio.Task[Ending]] = set()
        self._ready: deque[tuple[ClaimedEvent, float]] = deque()  # claimed, and when
        self._ahead = 0
        self._before_turn = 0  # of the posts, those that have not begun
        self._archived: list[UUID] = []
        self._is_to_look = True
        self._rests, self._pause = False, 0.0
        self._stirred = asyncio.Event()
        self._since, self._since_until = LONG_AGO, 0.0
        self._under_way = 0  # of the posts, those that have not ended
        self._returned: list[Ending] = []
        self._errors: list[Exception] = []
        self.last: ClaimedEvent | None = None

    def look(self, archived: Sequence[UUID] = ()) -> None:
        """Due events may have come; `archived` ones are claimed by id."""
        self._archived += archived
        self._is_to_look = True
        self._stirred.set()

    def hand_over(self) -> None:
        """Another looks from here on, for all but the events that are given back later."""
        self._is_to_look = False
        self._archived = []

    def stir(self) -> None:
        """A slot may be free."""
        self._stirred.set()

    @property
    def key(self) -> str:
        return self._key

    @property
    def under_way(self) -> int:
        """How many posts have not ended."""
        return self._under_way

    @property
    def claimed(self) -> int:
        """How many events it has claimed and not posted to the end."""
        return self._under_way + len(self._ready)

    @property
    def may_leave_events(self) -> bool:
        """Whether due events may be left, once `run` has returned."""
        return self._is_to_look or bool(self._archived)

    async def run(self, until: datetime) -> None:
        """Deliver. Events are claimed before `until` only, and each is posted and settled.

        Raises what hindered a single event, or TryLater from the database, after all others are
        done.
        """
        try:
            while self._posts or self._ready or self._returned or self._may_go_on(until):
                if self._d.clock.now() >= until:
                    await self._couriers.leave(self)
                if not self._has_work(until):
                    await self._wait(until)
                self._stirred.clear()
                await self._step(until)
        finally:
            for post in self._posts:  # only if this very task is cancelled
                post.cancel()
        if self._errors:
            raise self._errors[0]

    def _may_go_on(self, until: datetime) -> bool:
        """Whether events may be there that are to be claimed."""
        if not self.may_leave_events or self._errors:
            return False
        now = self._d.clock.now()
        return now < until and self._d.turns.next(self._key, now) < until

    def _has_work(self, until: datetime) -> bool:
        """Whether a step would do something now."""
        if self._returned or any(post.done() for post in self._posts):
            return True
        return not self._rests and self._free(until) > 0

    def _free(self, until: datetime) -> int:
        """How many events may be claimed now."""
        if not self._may_go_on(until):
            return 0
        free = self._slots - self._couriers.claimed_at(self._key)
        if self._interval is not None:
            return min(free, self._free_turns(self._interval))
        return free + self._ahead

    def _free_turns(self, interval: timedelta) -> int:
        """How many events have their turn soon."""
        now = self._d.clock.now()
        left = now + TURNS_AHEAD - self._d.turns.next(self._key, now)
        return 0 if left < timedelta() else max(1, left // interval)

    async def _step(self, until: datetime) -> None:
        """Settle what was posted, claim what there is room for, and post it."""
        self._fill_slots()
        endings = self._collect()
        if self._interval is None:
            taken = sum(not isinstance(ending, Returned) for ending in endings)
            self._ahead = min(taken, AHEAD_PER_SLOT * self._slots)
        claim = self._claim(until)
        try:
            if endings:
                claimed = await self._settle(endings, claim)
            else:
                claimed = await self._d.deliveries.claim(claim) if claim else None
            if claim and claimed:
                self._start(claimed.events)
                self._note_look(claim, claimed)
            await self._claim_archived(until)
        except TryLater as error:
            self._errors.append(error)

    def _collect(self) -> list[Ending]:
        """The endings of posts that are done, and of events that got no slot in time."""
        endings, self._returned = self._returned, []
        for post in [post for post in self._posts if post.done()]:
            self._posts.remove(post)
            if (error := post.exception()) is None:
                endings.append(post.result())
            elif isinstance(error, Exception):
                self._errors.append(error)
        return endings

    def _claim(self, until: datetime) -> Claim | None:
        slots = self._free(until)
        if slots <= 0 or not self._is_to_look:
            return None
        now = asyncio.get_running_loop().time()
        if now >= self._since_until:
            self._since, self._since_until = LONG_AGO, now + LOOK_SECONDS
        self._is_to_look = False  # before the look: what is announced meanwhile counts
        return Claim(self._key, slots, self._since)

    def _note_look(self, claim: Claim, claimed: Claimed) -> None:
        """Only a look from the oldest event on, which met nobody's lock, ends the looking."""
        self._rests = claimed.has_more and len(claimed.events) < claim.slots
        self._pause = min(max(HELD_ROWS_SECONDS, self._pause * 2), LOOK_SECONDS)
        if not self._rests:
            self._pause = 0.0
        if claimed.events:
            self._since = claimed.events[-1].due_at
        if claimed.has_more:
            self._is_to_look = True
        elif claim.since != LONG_AGO:
            self._is_to_look = True
            self._since_until = 0.0

    def _start(self, events: Sequence[ClaimedEvent]) -> None:
        now = asyncio.get_running_loop().time()
        for event in events:
            self._couriers.claimed.add(event)
            self.last = event
            self._ready.append((event, now))
        self._fill_slots()

    def _fill_slots(self) -> None:
        loop, now = asyncio.get_running_loop(), self._d.clock.now()
        while self._ready and loop.time() - self._ready[0][1] > AHEAD_SECONDS:
            self._returned.append(Returned(self._ready.popleft()[0], now))
        while self._ready and self._couriers.under_way_at(self._key) < self._slots:
            event, _ = self._ready.popleft()
            turn = now if self._interval is None else self._d.turns.take(self._key, now)
            post = loop.create_task(self._post(event, turn))
            post.add_done_callback(self._end)
            self._posts.add(post)
            self._under_way += 1
            self._before_turn += 1

    def _end(self, post: "asyncio.Task[Ending]") -> None:
        """A slot is free, and the next event that is ready takes it at once."""
        self._under_way -= 1
        if not post.cancelled():
            self._fill_slots()
        self._couriers.a_slot_is_free(self._key)

    async def _post(self, event: ClaimedEvent, turn: datetime) -> Ending:
        try:
            if event.is_to_hold:
                return Held(event)
            settings = await settings_for(
                event,
                settings_of=self._d.settings_of,
                current_settings=self._d.current_settings,
            )
            if self._interval is not None:
                await self._d.clock.sleep_until(turn)
        finally:
            self._before_turn -= 1
            self._stirred.set()
        outcome = await attempt(event, settings, sender=self._d.sender, clock=self._d.clock)
        now = self._d.clock.now()
        if outcome.retry_at is not None and outcome.retry_at <= now + self._d.lookahead:
            return replace(outcome, enqueued_at=now)
        return outcome

    async def _claim_archived(self, until: datetime) -> None:
        if self._archived and (free := self._free(until)) > 0:
            ids, self._archived = self._archived[:free], self._archived[free:]
            self._start(await self._d.deliveries.claim_archived(ids))

    async def _wait(self, until: datetime) -> None:
        """Until a post ends, events are announced, or it is time to look again."""
        if self._interval is not None and self._may_go_on(until) and not self._before_turn:
            await self._wait_for_turn()
            return
        has_room = self._couriers.under_way_at(self._key) < self._slots and not self._errors
        seconds = (self._pause or LOOK_SECONDS) if has_room or self._ready else None
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            self._is_to_look = True
        self._rests = False

    async def _wait_for_turn(self) -> None:
        turn = self._d.turns.next(self._key, self._d.clock.now()) - TURNS_AHEAD
        loop = asyncio.get_running_loop()
        waits = [
            loop.create_task(self._d.clock.sleep_until(turn)),
            loop.create_task(self._stirred.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _settle(self, endings: list[Ending], claim: Claim | None) -> Claimed | None:
        """Write the endings and what follows from them; further events, if they were claimed."""
        recorded = [False] * len(endings)
        try:
            settled = await self._insist(endings, claim)
            recorded = settled.recorded
        finally:  # the attempts were made, whatever became of their outcomes
            for ending, was_recorded in zip(endings, recorded, strict=True):
                if isinstance(ending, Outcome):
                    self._d.journal.attempted(ending, recorded=was_recorded)
        done = [ending for ending, ok in zip(endings, recorded, strict=True) if ok]
        if any(isinstance(ending, Returned) for ending in done):
            self._is_to_look = True
        self._say(done, settled.disabled)
        retries = [
            EventRef(one.event.id, one.retry_at, self._key)
            for one in done
            if isinstance(one, Outcome) and one.retry_at and one.enqueued_at
        ]
        if retries:
            await self._d.queue.send(retries, now=self._d.clock.now())
        return settled.claimed

    def _say(self, done: Sequence[Ending], disabled: dict[UUID, str]) -> None:
        for ending in done:
            event = ending.event
            if isinstance(ending, Held):
                self._d.journal.held(event)
            elif event.trigger_id is not None and event.trigger_id in disabled:
                self._d.journal.disabled(event, reason=disabled.pop(event.trigger_id))

    async def _insist(self, endings: list[Ending], claim: Claim | None) -> Settled:
        """Settle, again if the database is away for a moment: no post must be repeated for that."""
        for pause in SETTLE_PAUSES:
            try:
                return await self._d.deliveries.settle(endings, claim)
            except TryLater:
                await self._d.clock.sleep_until(self._d.clock.now() + pause)
        return await self._d.deliveries.settle(endings, claim)


class Recent:
    """The events that this process has claimed lately, and when they were due."""

    def __init__(self) -> None:
        self._due: LRUCache[UUID, datetime] = LRUCache(20_000)

    def add(self, event: ClaimedEvent) -> None:
        self._due[event.id] = event.due_at

    def __contains__(self, ref: EventRef) -> bool:
        """Whether the attempt that this message asks for was begun here."""
        due_at = self._due.get(ref.event_id)
        return due_at is not None and due_at >= ref.due_at


class Couriers:
    """The couriers of this process, by endpoint key, while they work.

    A courier whose time is up leaves: it finishes its posts, and another takes over the endpoint
    with the slots that are free.
    """

    def __init__(self, d: CourierDeps) -> None:
        self._d = d
        self._working: dict[str, Courier] = {}
        self._leaving: dict[str, list[Courier]] = {}
        self.claimed = Recent()

    async def deliver(self, key: str, until: datetime, archived: Sequence[UUID] = ()) -> None:
        """Have an endpoint's due events delivered: by the courier at work there, or by a new one.

        If its time is up before nothing is left, it sends a message, so that somebody goes on.
        """
        if courier := self._working.get(key):
            courier.look(archived)
            return
        courier = self._working[key] = Courier(key, self._d, self)
        courier.look(archived)
        try:
            await courier.run(until)
        finally:
            self._remove(courier)
        await self._call_back(courier)

    async def leave(self, courier: Courier) -> None:
        """Let another take over, once; the slots of its posts stay taken until they end."""
        if self._working.get(courier.key) is courier:
            del self._working[courier.key]
            self._leaving.setdefault(courier.key, []).append(courier)
            await self._call_back(courier)
            courier.hand_over()

    def under_way_at(self, key: str) -> int:
        return sum(courier.under_way for courier in self._at(key))

    def claimed_at(self, key: str) -> int:
        return sum(courier.claimed for courier in self._at(key))

    def a_slot_is_free(self, key: str) -> None:
        for courier in self._at(key):
            courier.stir()

    def _at(self, key: str) -> list[Courier]:
        working = self._working.get(key)
        return [*self._leaving.get(key, ()), *([working] if working else [])]

    def _remove(self, courier: Courier) -> None:
        """Its slots are free now."""
        if self._working.get(courier.key) is courier:
            del self._working[courier.key]
            return
        leaving = self._leaving[courier.key]
        leaving.remove(courier)
        if not leaving:
            del self._leaving[courier.key]

    async def _call_back(self, courier: Courier) -> None:
        """If events may be left, send a message about one that is surely there, if only done."""
        if not courier.may_leave_events or courier.last is None:
            return
        key, now = courier.key, self._d.clock.now()
        turn = self._d.turns.next(key, now)
        if self._d.turns.call_back(key, now, turn):
            await self._d.queue.send([EventRef(courier.last.id, turn, key)], now=now)
