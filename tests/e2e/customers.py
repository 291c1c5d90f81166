"""Load while faults strike: customers who fire and remember what was acknowledged; the reckoning."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.e2e.consistency import check_consistency, connect, final_statuses
from tests.e2e.load import Burst
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.reliability import Row
from tests.e2e.waiting import until

RECOVERY_SECONDS = 120
"""Leases last 12 s with the bursts' endpoints; a lost message is sent again after 60 s."""


class Customer:
    """Fires a webhook again and again, and remembers what was acknowledged."""

    def __init__(self, trigger_id: str, url: str) -> None:
        self.trigger_id = trigger_id
        self.url = url
        self.accepted: list[str] = []
        self.answers: Counter[int] = Counter()
        self.refusals: list[httpx.Response] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="customer")

    def start(self) -> None:
        """Fire 10 times a second until told to stop."""
        self._thread.start()

    def stop(self) -> None:
        """Return once the last call was answered."""
        self._stop.set()
        self._thread.join(timeout=40)

    def _run(self) -> None:
        with httpx.Client(timeout=30) as client:
            number = 0
            while not self._stop.wait(0.1):
                number += 1
                self._fire(client, number)

    def _fire(self, client: httpx.Client, number: int) -> None:
        try:
            answer = client.post(self.url, json={"number": number})
        except httpx.TransportError:
            self.answers[0] += 1
            return
        self.answers[answer.status_code] += 1
        if answer.status_code == 202:
            self.accepted.append(answer.json()["event_id"])
        else:
            self.refusals.append(answer)

    def wait_for_acceptances(self, count: int = 10, seconds: float = 60) -> None:
        before = len(self.accepted)
        until(
            lambda: len(self.accepted) >= before + count,
            seconds,
            what="further acceptances",
            every=0.01,
        )


@contextmanager
def firing(platform: Platform, endpoint: Endpoint) -> Iterator[Customer]:
    """A customer with a trigger of their own, who fires until told to stop, or the block ends."""
    trigger = platform.create(
        type="api",
        name="orders",
        schema={},
        endpoint={"url": endpoint.url("/api"), "timeout_seconds": 2},
    )
    customer = Customer(trigger["id"], trigger["webhook_url"])
    customer.start()
    try:
        yield customer
    finally:
        customer.stop()


@dataclass(frozen=True)
class Load:
    """What was under way when a fault struck: a burst, and a customer."""

    platform: Platform
    endpoint: Endpoint
    burst: Burst
    customer: Customer

    @property
    def trigger_ids(self) -> list[str]:
        return [*self.burst.trigger_ids, self.customer.trigger_id]

    def wait_for_rows(self, count: int = 1) -> None:
        """Until ticks have written that many of the burst's events, and sent all those many.

        One that was sent is noted so, until a worker has it.
        """
        with connect(self.platform.database_url) as connection:
            until(
                lambda: (
                    connection.execute(
                        "SELECT count(*) >= %s FROM event_logs_active"
                        " WHERE trigger_id = ANY(%s::uuid[])"
                        " AND (enqueued_at IS NOT NULL OR attempt > 0 OR %s = 1)",
                        (count, self.burst.trigger_ids, count),
                    ).fetchall()
                    == [(True,)]
                ),
                self.burst.due - time.time() + 30,
                what=f"{count} events",
                every=0.005,
            )

    def wait_for_deliveries(self, count: int) -> None:
        until(
            lambda: len(self.endpoint.event_ids(self.burst.path)) >= count,
            self.burst.due - time.time() + 60,
            what=f"{count} deliveries",
        )

    def reckon(self, fault: str, *, injected: int, since: float) -> Row:
        """Wait until every event has succeeded; what the fault cost. Fails where a rule is broken.

        `since`: when the cause was gone, in Unix seconds; the recovery is that of all events that
        had fired before.
        """
        wanted = {"success": len(self.burst.trigger_ids)}
        try:
            until(
                lambda: (
                    set(self._statuses(self.trigger_ids)) == {"success"}
                    and self._statuses(self.burst.trigger_ids) == wanted
                ),
                max(self.burst.due, since) - time.time() + RECOVERY_SECONDS,
                what="every event to succeed",
                every=0.2,
            )
        except AssertionError:
            raise AssertionError(self._statuses(self.trigger_ids)) from None
        row = self._row(fault, injected, since)
        assert (row.lost, row.duplicates) == (0, 0), row
        check_consistency(self.platform.database_url)
        return row

    def _row(self, fault: str, injected: int, since: float) -> Row:
        delivered = self.endpoint.event_ids()
        with connect(self.platform.database_url) as connection:
            [(logged, attempts, completed_at)] = connection.execute(
                "SELECT array_agg(id::text), sum(jsonb_array_length(attempts)),"
                " extract(epoch FROM max(completed_at) FILTER (WHERE fired_at <= to_timestamp(%s)))"
                " FROM event_logs_active WHERE trigger_id = ANY(%s::uuid[])",
                (since, self.trigger_ids),
            ).fetchall()
        accepted, count = set(self.customer.accepted), len(self.burst.trigger_ids)
        scheduled = len(self.endpoint.event_ids(self.burst.path))
        return Row(
            fault,
            injected=injected,
            at_risk=count + len(accepted),
            lost=count - scheduled + len(accepted - (delivered.keys() & set(logged))),
            duplicates=scheduled - count + len(logged) - len(set(logged)),
            repeats=delivered.total() - int(attempts),
            recovery_seconds=max(float(completed_at or since) - since, 0.0),
        )

    def _statuses(self, trigger_ids: Sequence[str]) -> dict[str, int]:
        return final_statuses(self.platform.database_url, list(trigger_ids))
