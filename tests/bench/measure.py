"""What is measured from outside: CPU time and memory of the platform's processes."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

SAMPLE_SECONDS = 0.2


def families(services: Mapping[str, int]) -> Iterator[tuple[str, psutil.Process]]:
    """Every process of each service: its own and its children's."""
    for name, pid in services.items():
        try:
            process = psutil.Process(pid)
            yield from ((name, one) for one in (process, *process.children(recursive=True)))
        except psutil.NoSuchProcess:
            continue


def cpu_seconds(services: Mapping[str, int]) -> dict[str, float]:
    """CPU time so far by service, of processes that live and of children that are gone."""
    seconds = dict.fromkeys(services, 0.0)
    for name, process in families(services):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds[name] += times.user + times.system
        if process.pid == services[name]:
            seconds[name] += times.children_user + times.children_system
    return seconds


def cpu_used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


@contextmanager
def peak_memory(services: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """The largest share of memory (PSS) of any one process of each service, in MB, meanwhile."""
    peaks: dict[str, float] = dict.fromkeys(services, 0.0)
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for name, process in families(services):
                try:
                    resident = process.memory_full_info().pss / 1e6
                except psutil.NoSuchProcess:
                    continue
                peaks[name] = max(peaks[name], resident)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peaks
    finally:
        done.set()
        thread.join()
