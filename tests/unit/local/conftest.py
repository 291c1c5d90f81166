"""Keeps sample functions from leaving event loops behind."""

import pytest
from mangum import Mangum


@pytest.fixture(autouse=True)
def no_stray_event_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mangum makes a loop for the thread that imports a function; here nobody would close it.

    The garbage collector would find it during some later test and fail that one. The threads that
    run the samples have loops of their own.
    """
    monkeypatch.setattr(Mangum, "_setup_event_loop", lambda self: None)
