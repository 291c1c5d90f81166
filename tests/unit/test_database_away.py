"""What callers see while Postgres does not answer."""

from datetime import timedelta

import pytest

from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings
from triggerfish.usecases.tick import tick
from triggerfish.wiring import Wiring

NOWHERE = "127.0.0.1:1"  # a port nobody listens on


async def test_a_tick_without_its_database_says_try_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    parts = Wiring(
        Settings(
            database_url=f"postgresql+psycopg://nobody@{NOWHERE}/none",
            sqs_endpoint_url=f"http://{NOWHERE}",
        )
    )
    with pytest.raises(TryLater):
        await tick(timedelta(seconds=2), parts.tick)
    await parts.close()
