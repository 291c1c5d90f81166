"""Group commit: nothing is lost, nothing waits alone, errors reach those they belong to."""

import asyncio
from collections.abc import Sequence

import pytest

from triggerfish.adapters.batcher import Batcher


async def test_calls_of_one_moment_share_a_batch() -> None:
    batches: list[list[int]] = []

    async def run(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        return [item * 2 for item in items]

    double: Batcher[int, int] = Batcher(run, max_size=3)
    assert await asyncio.gather(*(double(n) for n in range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


async def test_a_call_made_the_moment_a_batch_ends_is_answered() -> None:
    async def run(items: Sequence[int]) -> list[int]:
        return list(items)

    same: Batcher[int, int] = Batcher(run, max_size=1)

    async def chain(n: int) -> None:
        for _ in range(50):
            await same(n)

    async with asyncio.timeout(5):
        await asyncio.gather(*(chain(n) for n in range(20)))


async def test_an_error_reaches_every_caller_of_its_batch_and_no_other() -> None:
    async def run(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise ValueError("unlucky")
        return list(items)

    same: Batcher[int, int] = Batcher(run, max_size=2)
    results = await asyncio.gather(*(same(n) for n in (1, 2, 13, 4)), return_exceptions=True)
    assert results[:2] == [1, 2]
    assert [type(result) for result in results[2:]] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="unlucky"):
        await same(13)
    assert await same(5) == 5


async def test_at_most_as_many_batches_run_at_once_as_there_are_lanes() -> None:
    at_once = most = 0

    async def run(items: Sequence[int]) -> list[int]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return list(items)

    same: Batcher[int, int] = Batcher(run, max_size=1, lanes=2)
    await asyncio.gather(*(same(n) for n in range(10)))
    assert most == 2
