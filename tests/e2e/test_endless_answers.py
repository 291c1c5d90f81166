"""A receiver whose answers never end is its own trigger's trouble, and nobody else's."""

import time

from tests.e2e.conftest import Note
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until
from tests.outgoing_attacks import endless_receiver, in_a_thread

EVENTS, PER_SECOND = 40, 20
ATTACKS = 20
SECONDS = 60


def test_a_receiver_that_sends_102_for_ever_holds_up_no_other_delivery(
    shared: Platform, endpoint: Endpoint, note: Note
) -> None:
    with in_a_thread(endless_receiver("102 Processing")) as url:
        attacker = shared.create(
            type="api", name="endless", endpoint={"url": url}, retry={"delays_seconds": [1] * 5}
        )
        victim = shared.create(type="api", name="victim", endpoint={"url": endpoint.url("/v")})
        for _ in range(ATTACKS):
            assert shared.request("POST", attacker["webhook_url"], {}).status_code == 202
        called = {}
        for _ in range(EVENTS):
            answer = shared.request("POST", victim["webhook_url"], {})
            called[answer.json()["event_id"]] = time.time()
            time.sleep(1 / PER_SECOND)
        until(lambda: called.keys() <= endpoint.event_ids("/v").keys(), SECONDS, what="deliveries")
        log = until(
            lambda: shared.log_of(attacker["id"], "failure"), SECONDS, what="the attack's end"
        )
    assert log["last_error"].startswith("protocol_error: The endpoint sent 128 KiB")
    assert set(endpoint.event_ids("/v").values()) == {1}
    waits = sorted(
        one.arrived_at - called[one.headers["webhook-id"]] for one in endpoint.deliveries("/v")
    )
    note(
        f"beside {ATTACKS * 6} endless answers: another delivery p50 {waits[len(waits) // 2]:.3f} s, "
        f"longest {waits[-1]:.3f} s"
    )
    assert waits[-1] < 5
