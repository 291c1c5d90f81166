"""Looking webhook targets up: once for a burst of calls, anew after a doubt."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest

from tests.clock import VirtualClock
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.adapters.webhook_targets import WebhookTargets
from triggerfish.domain.errors import TryLater
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.trigger import Revision, Trigger, TriggerStatus, parse_definition

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = b"hash"
SECRETS = SigningSecrets("whsec_")
BODY = {"type": "api", "name": "orders", "endpoint": {"url": "https://example.com/"}}


def trigger(number: int) -> Trigger:
    revision = Revision(
        UUID(int=number), number, parse_definition(BODY, now=NOW), SECRETS, NOW, "key"
    )
    ids = UUID(int=1), UUID(int=2)
    return Trigger(*ids, TriggerStatus.ACTIVE, revision, None, 0, 0, None, NOW, NOW)


class SlowTriggers:
    """Answers each look when it is told to."""

    def __init__(self) -> None:
        self.looks: list[asyncio.Future[Trigger | None]] = []

    async def by_tokens(
        self, token_hashes: Sequence[bytes], *, now: datetime
    ) -> dict[bytes, Trigger | None]:
        self.looks.append(asyncio.get_running_loop().create_future())
        return {TOKEN: await self.looks[-1]}


@pytest.fixture
def triggers() -> SlowTriggers:
    return SlowTriggers()


@pytest.fixture
def targets(triggers: SlowTriggers) -> WebhookTargets:
    return WebhookTargets(cast("Triggers", triggers), VirtualClock(NOW))


async def turn() -> None:
    """Let every task go on as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_burst_on_a_cold_url_costs_one_look(
    triggers: SlowTriggers, targets: WebhookTargets
) -> None:
    calls = [asyncio.create_task(targets.find(TOKEN)) for _ in range(20)]
    await turn()
    triggers.looks[0].set_result(trigger(1))
    found = await asyncio.gather(*calls)
    assert len(triggers.looks) == 1
    assert {target.revision_id for target in found if target} == {UUID(int=1)}
    assert await targets.find(TOKEN) is found[0]


async def test_who_doubts_a_target_does_not_join_a_look_from_before(
    triggers: SlowTriggers, targets: WebhookTargets
) -> None:
    before = asyncio.create_task(targets.find(TOKEN))
    await turn()
    targets.forget(TOKEN)
    after = asyncio.create_task(targets.find(TOKEN))
    await turn()
    triggers.looks[0].set_result(trigger(1))
    await before
    await turn()
    triggers.looks[1].set_result(trigger(2))
    newer = await after
    assert newer is not None
    assert newer.revision_id == UUID(int=2)


async def test_a_caller_that_goes_away_leaves_the_look_to_the_others(
    triggers: SlowTriggers, targets: WebhookTargets
) -> None:
    first, second = (asyncio.create_task(targets.find(TOKEN)) for _ in range(2))
    await turn()
    first.cancel()
    await turn()
    triggers.looks[0].set_result(trigger(1))
    assert await second is not None


async def test_a_look_that_fails_fails_all_who_wait_and_nobody_after(
    triggers: SlowTriggers, targets: WebhookTargets
) -> None:
    calls = [asyncio.create_task(targets.find(TOKEN)) for _ in range(3)]
    await turn()
    triggers.looks[0].set_exception(TryLater("away"))
    assert all(
        isinstance(one, TryLater) for one in await asyncio.gather(*calls, return_exceptions=True)
    )
    later = asyncio.create_task(targets.find(TOKEN))
    await turn()
    triggers.looks[1].set_result(None)
    assert await later is None
