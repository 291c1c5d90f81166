"""A schedule function that appends one line per run to the file named by SAMPLE_BEAT_FILE."""

import os
import time
from pathlib import Path
from typing import Any


async def native(event: dict[str, Any], context: Any) -> None:
    with Path(os.environ["SAMPLE_BEAT_FILE"]).open("a") as beats:
        beats.write(f"{time.time()} {event}\n")


def handler(event: dict[str, Any], context: Any) -> None:
    raise AssertionError("the native lane is there")


handler.native = native  # type: ignore[attr-defined]
