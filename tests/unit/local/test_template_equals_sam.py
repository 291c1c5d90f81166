"""The local runtime reads from the template what AWS does: ours against samtranslator's output."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.runtime.intrinsics import Resolver
from local.runtime.template import Template, load
from tests.sam import packaged, transformed
from tests.unit.local.sample.paths import PROJECT_TEMPLATE, SAMPLE_TEMPLATE


class Transformed:
    """What CloudFormation would be asked to create."""

    def __init__(self, path: Path) -> None:
        document = packaged(path)
        self.source: dict[str, Any] = document["Resources"]
        self.resources = transformed(path)["Resources"]
        self.resolver = Resolver(document.get("Parameters", {}), self.source, "")

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [r["Properties"] for r in self.resources.values() if r["Type"] == kind]

    def routes(self) -> dict[tuple[str, str], str]:
        """(method, path) → logical id of the function."""
        routes = {}
        for api in self.of_type("AWS::ApiGatewayV2::Api"):
            for path, methods in api["Body"]["paths"].items():
                for method, operation in methods.items():
                    uri = str(operation["x-amazon-apigateway-integration"]["uri"])
                    name = method.replace("x-amazon-apigateway-any-method", "any").upper()
                    routes[name, path] = re.findall(r"\$\{(\w+)\.Arn\}", uri)[0]
        return routes

    def name(self, logical_id: str) -> str:
        return self.resolver.function_name(logical_id)


_transformed = cache(Transformed)


@pytest.fixture(params=[PROJECT_TEMPLATE, SAMPLE_TEMPLATE], ids=["project", "sample"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ours = load(request.param, sqs_endpoint="", environ={})
    return ours, _transformed(request.param)


def test_routes_are_those_that_sam_derives(both: tuple[Template, Transformed]) -> None:
    ours, theirs = both
    expected = {route: theirs.name(logical_id) for route, logical_id in theirs.routes().items()}
    found = {r: f.name for f in ours.functions.values() for r in f.routes if f.name != "live"}
    assert found == expected


def test_queue_mappings_are_those_that_sam_derives(both: tuple[Template, Transformed]) -> None:
    ours, theirs = both
    expected = [
        (
            theirs.name(mapping["FunctionName"]["Ref"]),
            theirs.resolver.value(mapping["EventSourceArn"]).rsplit(":", 1)[-1],
            mapping.get("BatchSize", 10),
            mapping.get("MaximumBatchingWindowInSeconds", 0),
            theirs.resolver.value(mapping.get("ScalingConfig", {})).get("MaximumConcurrency"),
            mapping.get("FunctionResponseTypes", []) == ["ReportBatchItemFailures"],
        )
        for mapping in theirs.of_type("AWS::Lambda::EventSourceMapping")
    ]
    assert [
        (f.name, m.queue, m.batch_size, m.window_seconds, m.max_concurrency, m.report_failures)
        for f in ours.functions.values()
        for m in f.queues
    ] == expected


def test_functions_handlers_and_limits_are_those_that_sam_derives(
    both: tuple[Template, Transformed],
) -> None:
    ours, theirs = both
    expected = {
        f["FunctionName"]: (
            (ours.path.parent / f["Code"]["S3Key"] / f["Handler"]).resolve(),
            f["Timeout"],
            f.get("MemorySize", 128),
        )
        for f in theirs.of_type("AWS::Lambda::Function")
        if f["Handler"] != "run.sh"  # the Lambda Web Adapter's; locally it is a Python handler
    }
    assert {
        f.name: (
            (f.root / f.module.replace(".", "/")).with_suffix(f".{f.attribute}"),
            f.timeout_seconds,
            f.memory_mb,
        )
        for f in ours.functions.values()
        if f.name != "live"
    } == expected


def test_a_function_url_is_a_local_route_and_a_streaming_url_on_aws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ours = load(SAMPLE_TEMPLATE, sqs_endpoint="", environ={}).functions["live"]
    assert (ours.routes, ours.attribute) == ((("ANY", "/live/{proxy+}"),), "handler")
    (url,) = _transformed(SAMPLE_TEMPLATE).of_type("AWS::Lambda::Url")
    assert (url["TargetFunctionArn"], url["InvokeMode"]) == (
        {"Ref": "LiveFunction"},
        "RESPONSE_STREAM",
    )


def test_schedules_are_those_that_sam_derives(both: tuple[Template, Transformed]) -> None:
    ours, theirs = both
    expected = [s["ScheduleExpression"] for s in theirs.of_type("AWS::Scheduler::Schedule")]
    assert [s.expression for f in ours.functions.values() for s in f.schedules] == expected
