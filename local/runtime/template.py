"""The SAM template, read and resolved: the only registry of functions, routes and queues."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.runtime.intrinsics import Resolver, TemplateError, parse
from local.runtime.model import Function, Route, Schedule, SqsMapping, Template
from local.runtime.template_functions import read_function
from local.runtime.template_queues import read_queues

__all__ = ["Function", "Route", "Schedule", "SqsMapping", "Template", "TemplateError", "load"]


def load(path: Path, *, sqs_endpoint: str, environ: Mapping[str, str]) -> Template:
    """Read and resolve the template.

    Raises TemplateError naming the resource for anything unresolved or unknown.

    `environ`: a non-empty process variable wins over the template's value of the same name.
    """
    document = parse(path.read_text(encoding="utf-8"))
    resources: dict[str, Any] = document["Resources"]
    resolver = Resolver(document.get("Parameters") or {}, resources, sqs_endpoint)
    shared = _function_globals(document)
    local = _local_environment(document)
    functions: dict[str, Function] = {}
    for logical_id, resource in resources.items():
        if resource.get("Type") != "AWS::Serverless::Function":
            continue
        function = read_function(
            logical_id, resource, shared, resolver, path.resolve(), environ, local
        )
        if function.name in functions:
            raise TemplateError(f"{logical_id}: a second function is called {function.name}")
        functions[function.name] = function
    return Template(path.resolve(), functions, read_queues(resources, resolver))


def _function_globals(document: Mapping[str, Any]) -> dict[str, Any]:
    sections = document.get("Globals") or {}
    if unknown := set(sections) - {"Function", "HttpApi"}:
        raise TemplateError(f"Globals: {', '.join(sorted(unknown))} not supported")
    return sections.get("Function") or {}


def _local_environment(document: Mapping[str, Any]) -> dict[str, str]:
    """The document's own Metadata.Local.Environment: values that hold instead of AWS's."""
    local = (document.get("Metadata") or {}).get("Local") or {}
    if unknown := set(local) - {"Environment"}:
        raise TemplateError(f"Metadata.Local: unknown {', '.join(sorted(unknown))}")
    return {name: str(value) for name, value in (local.get("Environment") or {}).items()}
