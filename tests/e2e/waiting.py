"""Bounded waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], seconds: float, *, what: str, every: float = 0.05) -> T:
    """What `look` returns, as soon as that is true; fails after `seconds` with what it saw last."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}: {seen!r}"
        time.sleep(every)
    return seen
