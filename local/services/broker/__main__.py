"""`python -m local.services.broker`: the broker as a process of its own."""

import argparse
import json
from pathlib import Path

from local.services.broker.server import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.services.broker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9324)
    parser.add_argument(
        "--queues", type=Path, help='JSON file: {"name": {"VisibilityTimeout": "180", ...}, ...}'
    )
    arguments = parser.parse_args()
    queues = json.loads(arguments.queues.read_text()) if arguments.queues else {}
    run(arguments.host, arguments.port, queues)


if __name__ == "__main__":
    main()
