"""Connections whose transactions run at once, statement by statement, the same way in every run.

One statement runs at a time. One that waits for a lock is parked until the transaction that holds
the lock has ended; meanwhile nobody but that transaction goes on. So whatever waits, waits in a
chain, and Postgres never has two statements to choose from.
"""

import asyncio
import select
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Row
from sqlalchemy.engine.result import result_tuple

SESSIONS = 6
LOOKS_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016)
"""How long a statement may take before, and between, looks whether it waits for a lock."""
BLOCKERS = "SELECT pg_blocking_pids(%s)"
_tuples = cache(result_tuple)


def rows(cursor: Any) -> Callable[[Sequence[Any]], Row[Any]]:
    """Has psycopg make the rows that SQLAlchemy makes."""
    return _tuples(tuple(column.name for column in cursor.description or ()))


class Session(psycopg.AsyncConnection[Row[Any]]):
    """One connection; its statements block the loop, unless they wait for another session's lock."""

    crossing: "Crossing"
    lock_timeout: float | None = None

    async def wait(
        self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None
    ) -> Any:
        if not self.crossing.has_others(self):
            return waiting.wait(gen, self.pgconn.socket, interval)
        flight = Flight(self, gen)
        if not flight.goes_on():
            await self.crossing.park(flight)
        return flight.result()

    def command(self, command: bytes) -> None:
        """BEGIN, COMMIT or ROLLBACK: waits for nobody."""
        self.pgconn.exec_(command)

    @property
    def is_idle(self) -> bool:
        return self.pgconn.transaction_status == TransactionStatus.IDLE


class Flight:
    """A statement on its way: it goes on until it has ended, or waits for another session."""

    def __init__(self, session: Session, gen: PQGen[Any]) -> None:
        self.session = session
        self.blockers: list[Session] = []
        self.has_ended = False
        self._gen = gen
        self._value: Any = None
        self._error: BaseException | None = None
        self._poll = select.poll()
        self._wants = self._step(None)

    def goes_on(self) -> bool:
        """Whether it has ended; if not, `blockers` are those it waits for."""
        looks = iter(LOOKS_SECONDS)
        while not self.has_ended:
            seconds = next(looks, LOOKS_SECONDS[-1])
            if self._is_ready(seconds):
                continue
            self.blockers = self.session.crossing.blockers_of(self.session)
            if self.blockers:
                return False
        self.blockers = []
        return True

    def cancel(self) -> None:
        """Have Postgres end it, whatever it waits for."""
        self.session.cancel()
        while not self.has_ended:
            self._is_ready(LOOKS_SECONDS[-1])

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def _is_ready(self, seconds: float) -> bool:
        self._poll.register(self.session.pgconn.socket, _events(self._wants))
        found = self._poll.poll(seconds * 1000)
        if found:
            [(_, event)] = found
            self._wants = self._step(_readiness(event))
        return bool(found)

    def _step(self, ready: Any) -> int:
        try:
            return int(next(self._gen) if ready is None else self._gen.send(ready))
        except StopIteration as end:
            self._value, self.has_ended = end.value, True
        except psycopg.Error as error:
            self._error, self.has_ended = error, True
        return 0


def _events(wants: int) -> int:
    reads = select.POLLIN if wants & waiting.WAIT_R else 0
    return reads | (select.POLLOUT if wants & waiting.WAIT_W else 0)


def _readiness(event: int) -> Any:
    reads = waiting.READY_R if event & ~select.POLLOUT else 0
    return reads | (waiting.READY_W if event & select.POLLOUT else 0)


class Crossing:
    """Who may send the next statement. Sessions are lent in a fixed order."""

    def __init__(self, sessions: Sequence[Session], observer: psycopg.Connection[Any]) -> None:
        self._free = list(sessions)
        self._observer = observer
        self._lent: list[Session] = []
        self._parked: list[Flight] = []
        self._ends: dict[Flight, asyncio.Future[None]] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self.was_parked = 0
        for session in sessions:
            session.crossing = self

    async def borrow(self) -> Session:
        while not self._free or self._parked:
            await self._change()
        session = self._free.pop()
        self._lent.append(session)
        return session

    def give_back(self, session: Session) -> None:
        """Its transaction has ended: whoever waited for its locks goes on."""
        if not session.is_idle:
            session.command(b"ROLLBACK")
        session.lock_timeout = None
        self._lent.remove(session)
        self._free.append(session)
        self._settle()

    async def turn(self, session: Session) -> None:
        """Wait until `session` may send a statement."""
        while self._parked and session not in self._parked[-1].blockers:
            await self._change()

    def has_others(self, session: Session) -> bool:
        """Whether anybody may hold a lock that this session waits for."""
        return any(other is not session for other in self._lent)

    def blockers_of(self, session: Session) -> list[Session]:
        [[pids]] = self._observer.execute(BLOCKERS, (session.pgconn.backend_pid,)).fetchall()
        return [other for other in self._lent if other.pgconn.backend_pid in pids]

    async def park(self, flight: Flight) -> None:
        """Wait until the statement has ended. Raises what Postgres would say if it never could."""
        parked = [other.session for other in self._parked]
        if any(blocker in parked for blocker in flight.blockers):
            flight.cancel()
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        self.was_parked += 1
        self._parked.append(flight)
        end = self._ends[flight] = asyncio.get_running_loop().create_future()
        self._wake()
        try:
            async with asyncio.timeout(flight.session.lock_timeout):
                await end
        except TimeoutError:
            raise psycopg.errors.LockNotAvailable("lock timeout") from None
        finally:
            if not flight.has_ended:
                flight.cancel()
                self._parked.remove(flight)
                self._settle()

    def _settle(self) -> None:
        """Somebody's locks are free: what waited for them runs now."""
        for flight in reversed(self._parked):
            if flight.goes_on():
                self._parked.remove(flight)
                end = self._ends.pop(flight)
                if not end.done():
                    end.set_result(None)
        self._wake()

    async def _change(self) -> None:
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        await change

    def _wake(self) -> None:
        waiting_ones, self._waiting = self._waiting, []
        for change in waiting_ones:
            if not change.done():
                change.set_result(None)
