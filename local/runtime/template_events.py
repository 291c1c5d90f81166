"""Reads a function's events: HTTP routes, SQS mappings, schedules and their local overrides."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.runtime.intrinsics import TemplateError
from local.runtime.model import DEFAULT_ROUTE, Route, Schedule, SqsMapping
from local.runtime.timing import Every, Timing, parse_expression

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


def enabled_events(events: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(name, type, properties) of each event that is on.

    Raises TemplateError for what is unknown.
    """
    for name, event in events.items():
        if _enabled(name, event):
            yield name, event["Type"], event.get("Properties") or {}


def read_route(properties: Mapping[str, Any]) -> Route:
    """SAM: without a path it is the catch-all; without a method it is any."""
    if "Path" not in properties:
        return ("ANY", DEFAULT_ROUTE)
    return (str(properties.get("Method", "ANY")).upper(), str(properties["Path"]))


def read_mapping(properties: Mapping[str, Any]) -> SqsMapping:
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


def read_schedule(
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


def read_function_url(overrides: dict[str, Any], properties: dict[str, Any]) -> tuple[Route, ...]:
    """The local routes of a function that has a URL of its own on AWS, out of `overrides`.

    There its Handler is the program that the Lambda Web Adapter starts, here `properties` get the
    Python handler instead.
    """
    here = overrides.pop("FunctionUrl", None) or {}
    if unknown := set(here) - {"Handler", "Path"}:
        raise TemplateError(f"Metadata.Local.FunctionUrl: unknown {', '.join(sorted(unknown))}")
    if "Path" not in here:
        raise TemplateError("FunctionUrlConfig needs Metadata.Local.FunctionUrl with a Path")
    properties["Handler"] = here.get("Handler", properties.get("Handler"))
    return (("ANY", str(here["Path"])),)


def read_overrides(resource: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
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


def _enabled(name: str, event: Mapping[str, Any]) -> bool:
    """Check the event's type and property names; false when the template switches the event off."""
    kind, properties = event.get("Type"), event.get("Properties") or {}
    if kind not in _EVENT_PROPERTIES:
        raise TemplateError(f"{name}: event type {kind} is not supported")
    if unknown := set(properties) - _EVENT_PROPERTIES[kind]:
        raise TemplateError(f"{name}: unknown property {', '.join(sorted(unknown))}")
    off = str(properties.get("Enabled", True)).lower() == "false"
    return not off and properties.get("State") != "DISABLED"


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
