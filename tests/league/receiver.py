"""The receiver of the league: knows a delivery by the `id` in its body, whoever sent it.

Run as a process: `python -m tests.league.receiver PORT`.
"""

import re
import sys

import uvloop

from tests.bench.processes.receiver import Receiver, serve

ID = re.compile(rb'"id": *"([^"]+)"')


class ByBody(Receiver):
    """No two peers have the same headers, but all send our JSON."""

    def id_of(self, head: bytes, body: bytes) -> bytes | None:
        found = ID.search(body)
        return found[1] if found else None


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), ByBody))
