"""How soon an installed platform is up, and what it holds in memory once it is."""

import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.bench import Bench, Figures


def start(bench: Bench) -> Figures:
    """Seconds from the command to "is up": of a new platform, and of one that has run before."""
    with tempfile.TemporaryDirectory(prefix="triggerfish-start-") as folder:
        platform = bench.another(Path(folder))
        try:
            first = platform.start()
            platform.stop()
            return {"first start, seconds": first, "later start, seconds": platform.start()}
        finally:
            platform.close()


def memory(bench: Bench, rest_seconds: float = 10.0) -> Figures:
    """Memory of an idle platform, what processes share counted once (PSS), in MB."""
    with tempfile.TemporaryDirectory(prefix="triggerfish-memory-") as folder:
        platform = bench.another(Path(folder))
        try:
            platform.start()
            time.sleep(rest_seconds)
            services = platform.note["services"]
            figures = {f"{name}, MB": _shares(int(pid)) for name, pid in services.items()}
            total = sum(_share(process) for process in platform.processes())
            rest = {"supervisor and guard, MB": total - sum(figures.values())}
            return figures | rest | {"in all, MB": total}
        finally:
            platform.close()


def _shares(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(_share(one) for one in (process, *process.children(recursive=True)))


def _share(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0
