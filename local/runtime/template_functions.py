"""Reads one AWS::Serverless::Function: where its code is, its limits, its environment and its
events.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.runtime.intrinsics import Resolver, TemplateError
from local.runtime.model import DEFAULT_ROUTE, Function, Route, Schedule, SqsMapping
from local.runtime.timing import Every, Timing, parse_expression

_HONOURED = {"CodeUri", "Environment", "Events", "FunctionName", "Handler", "MemorySize", "Timeout"}
# Matters to AWS only: a scheduled function never overlaps itself locally, which is what a
# reservation of 1 asks for.
_ELSEWHERE = {
    "Architectures",
    "Description",
    "Layers",
    "LoggingConfig",
    "Policies",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Tags",
    "Tracing",
    "VpcConfig",
}
_EVENT_PROPERTIES = {
    "HttpApi": {"ApiId", "Method", "Path", "PayloadFormatVersion"},
    "SQS": {
        "BatchSize",
        "Enabled",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    },
    "Schedule": {"Description", "Enabled", "Input", "Name", "Schedule", "State"},
    "ScheduleV2": {
        "Description",
        "FlexibleTimeWindow",
        "Input",
        "Name",
        "ScheduleExpression",
        "State",
    },
}
_FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read_function(
    logical_id: str,
    resource: Mapping[str, Any],
    shared: Mapping[str, Any],
    resolver: Resolver,
    template: Path,
    environ: Mapping[str, str],
) -> Function:
    """`shared` is Globals.Function; the function's own properties win, environments are merged.

    Raises TemplateError.
    """
    own = resource.get("Properties") or {}
    properties = {**shared, **own, "Environment": _environment(shared, own)}
    try:
        if unknown := set(properties) - _HONOURED - _ELSEWHERE:
            raise TemplateError(f"unknown property {', '.join(sorted(unknown))}")
        properties = {
            key: resolver.value(properties[key]) for key in properties if key in _HONOURED
        }
        return _function(logical_id, properties, _overrides(resource, environ), template, environ)
    except TemplateError as error:
        raise TemplateError(f"{logical_id}: {error}") from error


def _function(
    logical_id: str,
    properties: Mapping[str, Any],
    overrides: Mapping[str, Any],
    template: Path,
    environ: Mapping[str, str],
) -> Function:
    events = [
        (name, event["Type"], event.get("Properties") or {})
        for name, event in (properties.get("Events") or {}).items()
        if _enabled(name, event)
    ]
    if unused := set(overrides) - {name for name, kind, _ in events if kind.startswith("Schedule")}:
        raise TemplateError(f"Metadata.Local: no schedule event called {', '.join(sorted(unused))}")
    root, module, attribute = _entry_point(properties, template)
    return Function(
        logical_id=logical_id,
        name=str(properties.get("FunctionName", logical_id)),
        root=root,
        module=module,
        attribute=attribute,
        timeout_seconds=float(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        environment={k: environ.get(k) or v for k, v in properties["Environment"].items()},
        routes=tuple(_route(event) for _, kind, event in events if kind == "HttpApi"),
        queues=tuple(_mapping(event) for _, kind, event in events if kind == "SQS"),
        schedules=tuple(
            _schedule(name, kind, event, overrides.get(name) or {})
            for name, kind, event in events
            if kind.startswith("Schedule")
        ),
    )


def _environment(*levels: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for level in levels:
        merged |= (level.get("Environment") or {}).get("Variables") or {}
    return {
        name: value if isinstance(value, dict) else str(value) for name, value in merged.items()
    }


def _entry_point(properties: Mapping[str, Any], template: Path) -> tuple[Path, str, str]:
    """`../functions/tick` + `handler.handler` → (project root, "functions.tick.handler",
    "handler").

    The project root is the template's nearest ancestor with a pyproject.toml, else the folder that
    holds both.
    """
    for key in ("CodeUri", "Handler"):
        if not isinstance(properties.get(key), str):
            raise TemplateError(f"needs {key} as a local path or name")
    code = Path(os.path.normpath(template.parent / properties["CodeUri"]))
    root = next(
        (folder for folder in template.parents if (folder / "pyproject.toml").exists()),
        Path(os.path.commonpath([template.parent, code])),
    )
    if not code.is_relative_to(root):
        raise TemplateError(f"CodeUri {properties['CodeUri']} is outside the project")
    file, separator, attribute = properties["Handler"].rpartition(".")
    if not separator:
        raise TemplateError(f"bad handler '{properties['Handler']}': not of the form file.function")
    return root, ".".join([*code.relative_to(root).parts, *file.split("/")]), attribute


def _enabled(name: str, event: Mapping[str, Any]) -> bool:
    """Check the event's type and property names; false when the template switches the event off."""
    kind, properties = event.get("Type"), event.get("Properties") or {}
    if kind not in _EVENT_PROPERTIES:
        raise TemplateError(f"{name}: event type {kind} is not supported")
    if unknown := set(properties) - _EVENT_PROPERTIES[kind]:
        raise TemplateError(f"{name}: unknown property {', '.join(sorted(unknown))}")
    return bool(properties.get("Enabled", True)) and properties.get("State") != "DISABLED"


def _route(properties: Mapping[str, Any]) -> Route:
    """SAM: without a path it is the catch-all; without a method it is any."""
    if "Path" not in properties:
        return ("ANY", DEFAULT_ROUTE)
    return (str(properties.get("Method", "ANY")).upper(), str(properties["Path"]))


def _mapping(properties: Mapping[str, Any]) -> SqsMapping:
    types = properties.get("FunctionResponseTypes") or []
    if set(types) - {"ReportBatchItemFailures"}:
        raise TemplateError(f"FunctionResponseTypes {types} is not supported")
    concurrency = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    return SqsMapping(
        queue=str(_needed(properties, "Queue")).rsplit(":", 1)[-1],
        batch_size=int(properties.get("BatchSize", 10)),
        window_seconds=int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        max_concurrency=None if concurrency is None else int(concurrency),
        report_failures=bool(types),
    )


def _schedule(
    name: str, kind: str, properties: Mapping[str, Any], override: Mapping[str, Any]
) -> Schedule:
    if unknown := set(override) - {"Input", "Seconds"}:
        raise TemplateError(f"Metadata.Local.{name}: unknown {', '.join(sorted(unknown))}")
    expression = _needed(properties, "Schedule" if kind == "Schedule" else "ScheduleExpression")
    timing: Timing = parse_expression(str(expression))
    if "Seconds" in override:
        timing = Every(_positive(name, override["Seconds"]))
    literal = override.get("Input", properties.get("Input"))
    return Schedule(
        str(properties.get("Name", name)), kind, expression, timing, _json(name, literal)
    )


def _overrides(resource: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Metadata.Local with every "${NAME:-default}" filled in from the process environment."""

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        return _FROM_ENVIRONMENT.sub(from_environment, node) if isinstance(node, str) else node

    def from_environment(match: re.Match[str]) -> str:
        value = environ.get(match[1]) or match[2]
        if value is None:
            raise TemplateError(f"Metadata.Local: {match[1]} is not set and has no default")
        return value

    filled = fill((resource.get("Metadata") or {}).get("Local") or {})
    return dict(filled)


def _needed(properties: Mapping[str, Any], key: str) -> Any:
    if key not in properties:
        raise TemplateError(f"an event without {key}")
    return properties[key]


def _positive(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise TemplateError(f"Metadata.Local.{name}: Seconds {value!r} is not a positive number")
    return seconds


def _json(name: str, literal: Any) -> Any:
    if literal is None:
        return None
    try:
        return json.loads(literal)
    except (TypeError, ValueError) as error:
        raise TemplateError(f"{name}: Input is not JSON text") from error
