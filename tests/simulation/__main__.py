"""`make simulate`: many seeds on every core, or one seed with its whole trace."""

import argparse
import sys

from local.services.postgres import Postgres
from tests.simulation.database import Storage
from tests.simulation.run import simulate
from tests.simulation.search import database, search, server


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--every-slot", action="store_true", help="fail when a due event waits beside a free slot"
    )
    parser.add_argument("--seed", type=int, help="run this one alone and print its trace")
    options = parser.parse_args()
    with server() as postgres:
        if options.seed is not None:
            return replay(options.seed, postgres, every_slot=options.every_slot)
        seeds = range(options.first, options.first + options.seeds)
        return search(seeds, postgres, every_slot=options.every_slot)


def replay(seed: int, postgres: Postgres, *, every_slot: bool) -> int:
    storage = Storage(database(postgres, "simulation_alone"))
    result = simulate(seed, storage, every_slot=every_slot)
    print("\n".join(result.trace))
    print(result.error or "Nothing was lost.")
    return int(result.error is not None)


if __name__ == "__main__":
    sys.exit(main())
