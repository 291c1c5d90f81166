"""The events functions receive, shaped as AWS shapes them."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.runtime.events import sample, schedule_event, sqs_event
from local.runtime.http_events import MalformedAnswerError, http_answer, http_event
from local.runtime.template import Schedule
from local.runtime.timing import Every

AT = datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)


def http(
    body: bytes = b"", *, path: str = "/a/7", query: bytes = b"", headers: Any = ()
) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": query,
        "http_version": "1.1",
        "client": ("10.0.0.1", 1234),
        "headers": [(b"Host", b"api.example.com"), *headers],
    }
    return http_event(scope, body, route=("POST", "/a/{id}"), request_id="r-1", at=AT)


def test_an_http_request_becomes_payload_2_0() -> None:
    event = http(b"{}", query=b"x=1&x=2&y=", headers=[(b"content-type", b"application/json")])
    assert event == {
        "version": "2.0",
        "routeKey": "POST /a/{id}",
        "rawPath": "/a/7",
        "rawQueryString": "x=1&x=2&y=",
        "headers": {"host": "api.example.com", "content-type": "application/json"},
        "queryStringParameters": {"x": "1,2", "y": ""},
        "pathParameters": {"id": "7"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/a/7",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.0.0.1",
                "userAgent": "",
            },
            "requestId": "r-1",
            "routeKey": "POST /a/{id}",
            "stage": "$default",
            "time": "01/Mar/2026:09:05:07 +0000",
            "timeEpoch": 1772355907000,
        },
        "body": "{}",
        "isBase64Encoded": False,
    }


def test_absent_parts_of_a_request_are_left_out() -> None:
    assert not {"body", "cookies", "queryStringParameters"} & set(http())


def test_repeated_headers_are_comma_joined_and_cookies_stand_apart() -> None:
    event = http(headers=[(b"X-T", b"1"), (b"x-t", b"2"), (b"cookie", b"a=1; b=2")])
    assert event["headers"]["x-t"] == "1,2"
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize(
    ("content_type", "body"), [(b"image/png", b"\x00\xff"), (b"text/plain", b"\xff")]
)
def test_a_body_that_is_not_text_is_base64(content_type: bytes, body: bytes) -> None:
    event = http(body, headers=[(b"content-type", content_type)])
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_full_answer_becomes_http() -> None:
    answer = http_answer(
        {
            "statusCode": 201,
            "headers": {"X-A": "1"},
            "cookies": ["a=1", "b=2"],
            "body": "aGk=",
            "isBase64Encoded": True,
        }
    )
    headers = [(b"x-a", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert (answer.status, answer.headers, answer.body) == (201, headers, b"hi")


def test_an_answer_without_status_is_json() -> None:
    answer = http_answer({"a": 1})
    assert (answer.status, answer.body) == (200, b'{"a": 1}')


@pytest.mark.parametrize(
    "payload", [{"statusCode": "no"}, {"statusCode": 200, "body": 7}, {1, 2}, {"statusCode": None}]
)
def test_an_answer_that_is_not_http_is_refused(payload: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        http_answer(payload)


def test_an_sqs_batch_has_lambdas_spelling() -> None:
    message = {
        "MessageId": "m-1",
        "ReceiptHandle": "h",
        "Body": "hi",
        "MD5OfBody": "49f68a5c8493ec2c0bf489821c21fc3b",
        "Attributes": {"ApproximateReceiveCount": "1"},
        "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}},
        "MD5OfMessageAttributes": "x",
    }
    assert sqs_event("q", [message])["Records"] == [
        {
            "messageId": "m-1",
            "receiptHandle": "h",
            "body": "hi",
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {
                "k": {
                    "dataType": "String",
                    "stringValue": "v",
                    "stringListValues": [],
                    "binaryListValues": [],
                }
            },
            "md5OfBody": "49f68a5c8493ec2c0bf489821c21fc3b",
            "md5OfMessageAttributes": "x",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
            "awsRegion": "us-east-1",
        }
    ]


def schedule(kind: str, literal: Any = None) -> Schedule:
    return Schedule("Every", kind, "rate(1 minute)", Every(60), literal)


def test_a_rule_and_a_scheduler_send_different_events() -> None:
    rule = schedule_event(schedule("Schedule"), event_id="e", at=AT)
    assert (rule["source"], rule["detail"], rule["time"]) == (
        "aws.events",
        {},
        "2026-03-01T09:05:07Z",
    )
    assert rule["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/Every"]
    scheduler = schedule_event(schedule("ScheduleV2"), event_id="e", at=AT)
    assert (scheduler["source"], scheduler["detail"]) == ("aws.scheduler", "{}")


def test_a_literal_input_is_the_whole_event() -> None:
    assert schedule_event(schedule("ScheduleV2", {"h": 2}), event_id="e", at=AT) == {"h": 2}


def test_samples_are_complete_events() -> None:
    assert sample("http")["requestContext"]["http"]["method"] == "POST"
    assert sample("sqs")["Records"][0]["eventSource"] == "aws:sqs"
    assert sample("schedule")["detail-type"] == "Scheduled Event"
    with pytest.raises(ValueError, match="unknown kind"):
        sample("s3")  # type: ignore[arg-type]
