"""A worker that stops in an orderly way lets its functions put away their connections."""

import asyncio

import pytest

from local.runtime import template
from local.runtime.poller import poll
from tests.unit.local.sample.functions import work
from tests.unit.local.sample.paths import SAMPLE_TEMPLATE


async def test_the_functions_are_closed_once_when_the_worker_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(work.handler, "close", close, raising=False)
    sample = template.load(SAMPLE_TEMPLATE, sqs_endpoint="http://127.0.0.1:1", environ={})
    stop = asyncio.Event()
    stop.set()
    await poll(sample, stop)
    assert closed == ["closed"]
