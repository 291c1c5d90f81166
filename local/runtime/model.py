"""A template's content as values: functions with routes, queue mappings and schedules; queues."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.runtime.intrinsics import TemplateError
from local.runtime.timing import Timing

DEFAULT_ROUTE = "$default"


@dataclass(frozen=True, slots=True)
class SqsMapping:
    """One event source mapping. `max_concurrency` is None when the template does not bound it."""

    queue: str
    batch_size: int = 10
    window_seconds: int = 0
    max_concurrency: int | None = None
    report_failures: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """One scheduled invocation.

    `expression` is EventBridge's; `timing` is what runs locally; `input` the literal event.
    """

    name: str
    kind: str
    expression: str
    timing: Timing
    input: Any = None


Route = tuple[str, str]  # (method or ANY, path or $default)


@dataclass(frozen=True, slots=True)
class Function:
    logical_id: str
    name: str
    root: Path
    module: str
    attribute: str
    timeout_seconds: float = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    queues: tuple[SqsMapping, ...] = ()
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """`queues` maps a queue's name to its attributes as SQS strings, ready for CreateQueue."""

    path: Path
    functions: dict[str, Function]
    queues: dict[str, dict[str, str]]

    def environment(self) -> dict[str, str]:
        """All functions' variables.

        They share a process locally, so a disagreement is a TemplateError.
        """
        merged: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if merged.setdefault(name, value) != value:
                    raise TemplateError(f"{function.name}: {name} differs from another function's")
        return merged
