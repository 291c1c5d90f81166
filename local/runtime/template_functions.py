"""Reads one AWS::Serverless::Function: where its code is, its limits, environment and events."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.runtime.intrinsics import Resolver, TemplateError
from local.runtime.model import Function, Route
from local.runtime.template_events import (
    enabled_events,
    read_function_url,
    read_mapping,
    read_overrides,
    read_route,
    read_schedule,
)

_HONOURED = {"CodeUri", "Environment", "Events", "FunctionName", "Handler", "MemorySize", "Timeout"}
# Matters to AWS only: a scheduled function never overlaps itself locally, which is what a
# reservation of 1 asks for.
_ELSEWHERE = {
    "Architectures",
    "Description",
    "EventInvokeConfig",
    "FunctionUrlConfig",
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


def read_function(
    logical_id: str,
    resource: Mapping[str, Any],
    shared: Mapping[str, Any],
    resolver: Resolver,
    template: Path,
    environ: Mapping[str, str],
    local_environment: Mapping[str, str],
) -> Function:
    """`shared` is Globals.Function; the function's own properties win, environments are merged.

    Values in `local_environment` replace the template's, which may make sense on AWS only. Raises
    TemplateError.
    """
    own = resource.get("Properties") or {}
    environment = _environment(shared, own)
    environment |= {
        name: local_environment[name] for name in environment if name in local_environment
    }
    properties = {**shared, **own, "Environment": environment}
    try:
        if unknown := set(properties) - _HONOURED - _ELSEWHERE:
            raise TemplateError(f"unknown property {', '.join(sorted(unknown))}")
        has_url = "FunctionUrlConfig" in properties
        properties = {
            key: resolver.value(properties[key]) for key in properties if key in _HONOURED
        }
        overrides = read_overrides(resource, environ)
        routes = read_function_url(overrides, properties) if has_url else ()
        return _function(logical_id, properties, overrides, template, environ, routes)
    except TemplateError as error:
        raise TemplateError(f"{logical_id}: {error}") from error


def _function(
    logical_id: str,
    properties: Mapping[str, Any],
    overrides: Mapping[str, Any],
    template: Path,
    environ: Mapping[str, str],
    url_routes: tuple[Route, ...],
) -> Function:
    events = [*enabled_events(properties.get("Events") or {})]
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
        routes=(
            *(read_route(event) for _, kind, event in events if kind == "HttpApi"),
            *url_routes,
        ),
        queues=tuple(read_mapping(event) for _, kind, event in events if kind == "SQS"),
        schedules=tuple(
            read_schedule(name, kind, event, overrides.get(name) or {})
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
    """`../functions/tick`, `handler.handler` → (root, "functions.tick.handler", "handler").

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
