"""The API document: complete, valid, true to its own examples, and checked in as it is."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import Query
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.cli.openapi import DOCUMENTED, SERVED, rendered
from local.cli.paths import PROJECT
from local.runtime.model import DEFAULT_ROUTE
from tests.documented import DOCUMENT, METHODS, deref, problems
from tests.integration.lanes import template
from triggerfish.domain.access import SCOPES
from triggerfish.edge.http import build_app
from triggerfish.edge.openapi.document import SECURITY_SCHEMES, merged
from triggerfish.edge.openapi.errors import CODE_OF
from triggerfish.edge.openapi.operation import operation

TEXTS = rendered()
OPERATIONS = {
    operation["operationId"]: operation
    for item in [*DOCUMENT["paths"].values(), *DOCUMENT["webhooks"].values()]
    for method, operation in item.items()
    if method in METHODS
}
OPEN = {"fireTrigger", "receiveDelivery"}
PUBLIC = OPEN | {"getHealth", "getLiveness", "getReadiness", "getPrometheusMetrics"}
PUBLIC |= {"getOpenApi", "getDocs", "getDocsAsset"}
PUBLIC |= {"listPublicEvents", "getPublicEvent", "streamEventSummary"}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every Media Type Object of an operation: its body's and its answers'."""
    for part in [operation.get("requestBody", {}), *operation["responses"].values()]:
        yield from deref(part).get("content", {}).values()


@pytest.mark.parametrize("path", [DOCUMENTED, SERVED], ids=str)
def test_the_checked_in_document_is_what_the_functions_say(path):
    """`make openapi` renews it."""
    assert (PROJECT / path).read_text(encoding="utf-8") == TEXTS[path]


def test_it_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_route_of_the_template_is_in_it_and_nothing_else():
    routed = {
        path
        for function in template().functions.values()
        for _, path in function.routes
        if path != DEFAULT_ROUTE and not path.startswith("/ws/")  # OpenAPI has no WebSockets
    }
    assert set(DOCUMENT["paths"]) == routed


def test_a_route_that_says_nothing_of_itself_is_no_document():
    app = build_app()
    app.get("/mute")(lambda: None)
    with pytest.raises(ValueError, match="/mute"):
        merged([app])


def test_a_query_parameter_that_says_nothing_of_itself_is_no_document():
    async def mute(colour: Annotated[str, Query()]) -> None: ...

    app = build_app()
    app.get("/mute", **operation("mute", "Mute", "Say nothing", {}))(mute)
    with pytest.raises(ValueError, match="colour has no description"):
        merged([app])


def test_operation_ids_are_unique_names():
    ids = [one["operationId"] for one in walk(DOCUMENT) if "operationId" in one]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", id) for id in ids)


def test_every_tag_is_explained_and_used():
    used = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_has_a_summary_and_one_tag(operation):
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert len(operation["tags"]) == 1


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_body_and_every_error_has_examples_that_fit_its_schema(operation):
    for content in contents(operation):
        assert content["examples"]
        for example in content["examples"].values():
            assert example["summary"]
            assert problems(content["schema"], example["value"]) == []


@pytest.mark.parametrize("id", sorted(set(OPERATIONS) - {"receiveDelivery"}))
def test_every_error_shows_its_body(id):
    for status, response in OPERATIONS[id]["responses"].items():
        if int(status) >= 400:
            assert "application/json" in deref(response)["content"]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_error_example_says_its_own_status(operation):
    for status, response in operation["responses"].items():
        for content in deref(response).get("content", {}).values():
            for example in content["examples"].values():
                if isinstance(example["value"], dict) and isinstance(
                    example["value"].get("error"), dict
                ):
                    assert example["value"]["error"]["code"] == CODE_OF[int(status)]


@pytest.mark.parametrize(
    ("id", "most"),
    [("fireTrigger", 262_144), ("createTrigger", 524_288), ("createTriggers", 2_097_152)],
)
def test_a_body_that_is_too_large_is_told_its_own_limit(id, most):
    content = deref(OPERATIONS[id]["responses"]["413"])["content"]["application/json"]
    [example] = content["examples"].values()
    assert str(most) in example["value"]["error"]["message"]


@pytest.mark.parametrize("id", sorted(set(OPERATIONS) - PUBLIC))
def test_what_asks_for_a_key_says_so_and_which_scope(id):
    either = OPERATIONS[id]["security"]
    assert [list(one) for one in either] == [[name] for name in SECURITY_SCHEMES]
    [scope] = {scope for one in either for scopes in one.values() for scope in scopes}
    assert scope in SCOPES
    assert {"401", "403"} <= set(OPERATIONS[id]["responses"])


@pytest.mark.parametrize("id", sorted(PUBLIC))
def test_what_is_public_asks_for_no_key(id):
    assert OPERATIONS[id]["security"] == []


def test_every_object_that_is_answered_is_closed():
    open_ones = [
        one
        for one in walk(DOCUMENT["components"]["schemas"])
        if one.get("type") == "object" and "additionalProperties" not in one
    ]
    described = {one.get("description", "")[:11] for one in open_ones}
    assert described <= {"JSON Schema"}


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema of the document, without the maps from names to schemas."""
    if isinstance(value, dict):
        yield value
        for keyword, inner in value.items():
            if keyword in ("properties", "patternProperties"):
                for schema in inner.values():
                    yield from schemas(schema)
            elif keyword not in ("default", "enum", "const", "required"):
                yield from schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


def test_a_schema_has_no_keyword_that_means_nothing():
    known = {f"{kind}{end}" for kind in ("min", "max") for end in ("imum", "Length", "Items")}
    known |= {"type", "properties", "required", "additionalProperties", "patternProperties"}
    known |= {
        "propertyNames",
        "minProperties",
        "maxProperties",
        "items",
        "enum",
        "const",
        "pattern",
        "format",
    }
    known |= {"oneOf", "anyOf", "not", "default", "description", "contentMediaType", "$ref"}
    for schema in DOCUMENT["components"]["schemas"].values():
        for one in schemas(schema):
            assert set(one) <= known


def test_every_component_is_used():
    refs = {one["$ref"] for one in walk(DOCUMENT) if isinstance(one.get("$ref"), str)}
    names = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in DOCUMENT["components"][kind]
    }
    assert refs == names


def test_the_delivery_has_the_headers_of_standard_webhooks():
    [delivery] = [item["post"] for item in DOCUMENT["webhooks"].values()]
    headers = {parameter["name"] for parameter in delivery["parameters"]}
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= headers
    assert {"2XX", "410", "default"} <= set(delivery["responses"])
