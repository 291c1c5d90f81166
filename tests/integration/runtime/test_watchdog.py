"""A process whose loop is stuck ends itself, even where nothing lets go of the interpreter's lock."""

import subprocess
import sys
import textwrap
import time

HANGS = {
    "holding the lock": "import re; re.match('(a+)+b', 'a' * 99)",
    "computing": "while True: pass",
    "waiting": "import time; time.sleep(99)",
}
SCRIPT = """
import asyncio
from local.runtime.watchdog import LoopWatch

async def main():
    LoopWatch(stuck_seconds=3).start()
    await asyncio.sleep(4)
    print("is left alone while it turns", flush=True)
    hang()

def hang():
    {hang}

asyncio.run(main())
"""


def test_a_stuck_loop_ends_its_process_and_says_where() -> None:
    hung = {
        name: subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT.format(hang=hang))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, hang in HANGS.items()
    }
    began = time.monotonic()
    for name, process in hung.items():
        said, stacks = process.communicate(timeout=30)
        assert "is left alone" in said, name
        assert process.returncode == 1, name
        assert "in hang" in stacks, name
    assert time.monotonic() - began < 15
