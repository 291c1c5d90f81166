"""Run the compose smoke test: `python -m tests.compose.run [--if-possible]`.

On the machine's Docker engine when that has or can pull the images; otherwise on an engine started
here, with stand-ins for the images. Where neither can be had, says so loudly and fails, or, with
`--if-possible`, says so and succeeds.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.compose import standins
from tests.compose.engine import NoEngineError, is_running, own_engine

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "tests" / "e2e" / "compose_smoke.sh"
COMPOSE = Path(sys.executable).with_name("docker-compose")


def main() -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engine is stopped too
    with ExitStack() as stack:
        if not (is_running() and standins.can_pull()):
            try:
                os.environ.update(stack.enter_context(own_engine()))
                standins.build()
            except (NoEngineError, standins.StandInError) as reason:
                return _say_loudly(str(reason))
            print(f"[{time.monotonic() - began:4.0f}s] engine and stand-in images", flush=True)
        os.environ.setdefault("COMPOSE", str(COMPOSE))
        return subprocess.run([SMOKE], check=False).returncode


def _say_loudly(reason: str) -> int:
    line = "=" * 80
    print(f"{line}\nTHE COMPOSE SMOKE TEST DID NOT RUN: {reason}\n{line}", flush=True)
    return 0 if "--if-possible" in sys.argv[1:] else 1


if __name__ == "__main__":
    sys.exit(main())
