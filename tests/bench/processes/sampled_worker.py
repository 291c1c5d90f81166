"""The worker, with its own CPU time split by stage. `python -P sampled_worker.py OUT TEMPLATE`

The main thread is sampled by a CPU timer; each sample weighs the CPU time that this thread used
since the one before, so idle moments weigh nothing. The threads beside it do nothing but SQS calls.
"""

import json
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

from local.runtime import poller

EVERY_SECONDS = 0.005
STAGES = {
    "queue": ("botocore", "boto3", "urllib3", "local/runtime/sqs"),
    "SQL": ("sqlalchemy", "psycopg", "adapters/db"),
    "HTTP": ("adapters/outgoing", "aiohappyeyeballs", "aiodns"),
}

seconds: defaultdict[str, float] = defaultdict(float)
last = 0.0


def stage_of(frame: FrameType | None) -> str:
    """The stage of the innermost frame that belongs to one."""
    while frame is not None:
        file = frame.f_code.co_filename
        for stage, marks in STAGES.items():
            if any(mark in file for mark in marks):
                return stage
        frame = frame.f_back
    return "own code"


def sample(number: int, frame: FrameType | None) -> None:
    global last
    now = time.thread_time()
    seconds[stage_of(frame)] += now - last
    last = now


def main(out: Path, template: Path) -> None:
    global last
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    last, process_before = time.thread_time(), time.process_time()
    main_before = last
    try:
        poller.run(template)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        main_thread = time.thread_time() - main_before
        seconds["queue"] += time.process_time() - process_before - main_thread
        out.write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
