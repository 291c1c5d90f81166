"""Reading a SAM template: what is resolved, what is overridden, and that nothing unknown passes."""

import json
from pathlib import Path

import pytest

from local.runtime.template import Schedule, SqsMapping, Template, TemplateError, load
from local.runtime.template_checks import problems
from local.runtime.timing import Every
from tests.unit.local.sample.paths import PROJECT_TEMPLATE, SAMPLE_TEMPLATE

ENDPOINT = "http://127.0.0.1:9324"


def load_sample(**environ: str) -> Template:
    return load(SAMPLE_TEMPLATE, sqs_endpoint=ENDPOINT, environ=environ)


def load_text(folder: Path, resources: str, head: str = "", **environ: str) -> Template:
    path = folder / "template.yaml"
    path.write_text(f"{head}\nResources:\n{resources}")
    return load(path, sqs_endpoint=ENDPOINT, environ=environ)


def function(properties: str = "", events: str = "") -> str:
    text = "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
    text += "      CodeUri: functions/f\n      Handler: handler.handler\n"
    text += "".join(f"      {line}\n" for line in properties.splitlines())
    if events:
        text += "      Events:\n" + "".join(f"        {line}\n" for line in events.splitlines())
    return text


QUEUE = "  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}\n"


def test_code_uri_and_handler_become_module_and_attribute() -> None:
    web = load_sample().functions["web"]
    assert (web.module, web.attribute) == ("tests.unit.local.sample.functions.web", "handler")


def test_without_a_pyproject_the_project_is_the_folder_that_holds_template_and_code(
    tmp_path: Path,
) -> None:
    (tmp_path / "infra").mkdir()
    text = function().replace("functions/f", "../functions/f")
    loaded = load_text(tmp_path / "infra", text).functions["F"]
    assert (loaded.root, loaded.module) == (tmp_path, "functions.f.handler")


def test_own_properties_win_over_globals_and_the_defaults_are_lambdas(tmp_path: Path) -> None:
    assert load_sample().functions["web"].timeout_seconds == 5
    assert load_sample().functions["plain"].timeout_seconds == 1
    bare = load_text(tmp_path, function()).functions["F"]
    assert (bare.timeout_seconds, bare.memory_mb) == (3, 128)


def test_a_reference_to_a_queue_is_its_local_url() -> None:
    environment = load_sample().functions["web"].environment
    assert environment["SAMPLE_QUEUE_URL"] == f"{ENDPOINT}/000000000000/sample-jobs"
    assert environment["SAMPLE_GREETING"] == "hello"


@pytest.mark.parametrize(("given", "expected"), [("bye", "bye"), ("", "hello")])
def test_a_non_empty_process_variable_wins_over_the_template(given: str, expected: str) -> None:
    environment = load_sample(SAMPLE_GREETING=given).functions["web"].environment
    assert environment["SAMPLE_GREETING"] == expected


def test_two_functions_that_want_different_values_of_one_variable_are_refused(
    tmp_path: Path,
) -> None:
    one = function('Environment: {Variables: {A: "1"}}')
    two = one.replace("  F:", "  G:").replace('"1"', '"2"')
    with pytest.raises(TemplateError, match="A differs"):
        load_text(tmp_path, one + two).environment()


def test_routes_without_path_are_the_default_and_without_method_are_any(tmp_path: Path) -> None:
    events = "A: {Type: HttpApi}\nB: {Type: HttpApi, Properties: {Path: /b, Method: get}}\n"
    events += "C: {Type: HttpApi, Properties: {Path: /c}}"
    routes = load_text(tmp_path, function(events=events)).functions["F"].routes
    assert routes == (("ANY", "$default"), ("GET", "/b"), ("ANY", "/c"))


def test_a_queue_mapping_is_read_with_its_limits() -> None:
    (mapping,) = load_sample().functions["work"].queues
    assert mapping == SqsMapping("sample-jobs", 10, 0, 4, report_failures=True)


def test_a_schedule_takes_its_local_interval_and_input() -> None:
    (beat,) = load_sample().functions["beat"].schedules
    assert beat == Schedule("Beat", "ScheduleV2", "rate(1 minute)", Every(1), {"beat": True})
    (faster,) = load_sample(SAMPLE_BEAT_SECONDS="0.5").functions["beat"].schedules
    assert faster.timing == Every(0.5)


def test_queue_attributes_are_sqs_strings_with_a_local_redrive_target() -> None:
    queues = load_sample().queues
    assert list(queues) == ["sample-jobs-dlq", "sample-jobs"], "dead letters first"
    attributes = dict(queues["sample-jobs"])
    assert json.loads(attributes.pop("RedrivePolicy")) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:sample-jobs-dlq",
        "maxReceiveCount": 3,
    }
    assert attributes == {"VisibilityTimeout": "60", "ReceiveMessageWaitTimeSeconds": "1"}


def test_booleans_of_a_queue_are_lower_case(tmp_path: Path) -> None:
    text = "  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q.fifo, FifoQueue: true}}\n"
    assert load_text(tmp_path, text).queues == {"q.fifo": {"FifoQueue": "true"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Sub '${Q}?${AWS::Region}'", f"{ENDPOINT}/000000000000/q?us-east-1"),
        ("!Sub ['${Name}-${!literal}', {Name: !GetAtt Q.QueueName}]", "q-${literal}"),
        ("!Join ['-', [!Ref Word, !GetAtt Q.Arn]]", "w-arn:aws:sqs:us-east-1:000000000000:q"),
        ("!Sub '${F.Arn}'", "arn:aws:lambda:us-east-1:000000000000:function:F"),
        ("{Ref: 'AWS::AccountId'}", "000000000000"),
        ("7", "7"),
    ],
)
def test_an_intrinsic_resolves(tmp_path: Path, value: str, expected: str) -> None:
    head = "Parameters: {Word: {Type: String, Default: w}}"
    text = function(f"Environment: {{Variables: {{V: {value}}}}}") + QUEUE
    assert load_text(tmp_path, text, head).functions["F"].environment["V"] == expected


@pytest.mark.parametrize(
    ("properties", "events", "message"),
    [
        ("Environment: {Variables: {V: !Ref Nothing}}", "", "Nothing is neither"),
        ("Environment: {Variables: {V: !GetAtt Q.Colour}}", "", "no such attribute"),
        ("Environment: {Variables: {V: !Select [0, [a]]}}", "", "Fn::Select is not supported"),
        ("Environment: {Variables: {V: !Ref Secret}}", "", "no Default"),
        ("Timeot: 3", "", "unknown property Timeot"),
        ("", "E: {Type: S3}", "event type S3"),
        ("", "E: {Type: SQS, Properties: {Queue: q, BatchSise: 1}}", "unknown property BatchSise"),
        ("", "E: {Type: SQS, Properties: {BatchSize: 1}}", "without Queue"),
        ("", "E: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 second)}}", "rate"),
        ("", "E: {Type: Schedule, Properties: {Schedule: rate(1 minutes)}}", "singular|write rate"),
        (
            "",
            "E: {Type: Schedule, Properties: {Schedule: rate(1 minute), Input: no}}",
            "not JSON",
        ),
    ],
)
def test_what_does_not_resolve_or_is_unknown_is_an_error_that_names_the_function(
    tmp_path: Path, properties: str, events: str, message: str
) -> None:
    head = "Parameters: {Secret: {Type: String}}"
    with pytest.raises(TemplateError, match=f"F: .*({message})"):
        load_text(tmp_path, function(properties, events) + QUEUE, head)


def test_a_local_override_must_name_a_schedule(tmp_path: Path) -> None:
    text = function().replace("    Properties", "    Metadata: {Local: {X: {}}}\n    Properties")
    with pytest.raises(TemplateError, match="no schedule event called X"):
        load_text(tmp_path, text)


def test_a_function_url_needs_a_local_path(tmp_path: Path) -> None:
    text = function("FunctionUrlConfig: {AuthType: NONE}")
    with pytest.raises(TemplateError, match="FunctionUrlConfig needs"):
        load_text(tmp_path, text)


def test_a_local_value_replaces_one_that_only_aws_can_resolve(tmp_path: Path) -> None:
    head = "Metadata: {Local: {Environment: {V: here}}}"
    text = function("Environment: {Variables: {V: !If [Yes, a, b], W: both}}")
    environment = load_text(tmp_path, text, head).functions["F"].environment
    assert environment == {"V": "here", "W": "both"}


@pytest.mark.parametrize("text", ["Resources: [", "- a", "Resources: {}\nGlobals: {Api: {}}"])
def test_a_broken_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError):
        load(path, sqs_endpoint=ENDPOINT, environ={})


@pytest.mark.parametrize("path", [SAMPLE_TEMPLATE, PROJECT_TEMPLATE])
def test_our_templates_have_no_problems(path: Path) -> None:
    assert problems(load(path, sqs_endpoint=ENDPOINT, environ={})) == []


@pytest.mark.parametrize(
    ("timeout", "mapping", "problem"),
    [
        (6, "Queue: !GetAtt Q.Arn", "exceeds a sixth"),
        (5, "Queue: !GetAtt Q.Arn, BatchSize: 20", "needs MaximumBatchingWindow"),
        (5, "Queue: !GetAtt Q.Arn, ScalingConfig: {MaximumConcurrency: 1}", "outside 2..1000"),
        (5, "Queue: 'arn:aws:sqs:us-east-1:0:other'", "other is not in the template"),
    ],
)
def test_a_mapping_that_aws_would_refuse_is_a_problem(
    tmp_path: Path, timeout: int, mapping: str, problem: str
) -> None:
    events = f"E: {{Type: SQS, Properties: {{{mapping}}}}}"
    template = load_text(tmp_path, function(f"Timeout: {timeout}", events) + QUEUE)
    assert [problem in found for found in problems(template)] == [True]


def test_dead_letters_must_be_kept_longer_than_messages(tmp_path: Path) -> None:
    text = "  D: {Type: AWS::SQS::Queue, Properties: {QueueName: d}}\n"
    text += "  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, RedrivePolicy: "
    text += "{deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 1}}}\n"
    assert problems(load_text(tmp_path, text)) == ["q: d must keep messages longer than q"]
