"""What a function's answer means for the messages of its batch."""

from typing import Any

import pytest

from local.runtime.batches import MalformedFailuresError, finished
from local.runtime.invoker import FunctionError, Result

BATCH = [{"MessageId": "a"}, {"MessageId": "b"}, {"MessageId": "c"}]


def done(payload: Any, *, report_failures: bool = True) -> list[str]:
    result = Result("r", 0.0, payload=payload)
    return [m["MessageId"] for m in finished(BATCH, result, report_failures=report_failures)]


def failures(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": i} for i in identifiers]}


@pytest.mark.parametrize("payload", [None, {}, failures(), {"batchItemFailures": None}])
def test_an_empty_answer_is_success(payload: Any) -> None:
    assert done(payload) == ["a", "b", "c"]


def test_the_named_messages_stay() -> None:
    assert done(failures("b")) == ["a", "c"]
    assert done(failures("a", "b", "c")) == []


@pytest.mark.parametrize(
    "payload",
    [
        "ok",
        [],
        {"batchItemFailures": {}},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"id": "a"}]},
        failures(""),
        failures(None),
        failures(7),
        failures("a", "stranger"),
    ],
)
def test_a_list_that_cannot_be_trusted_fails_the_whole_batch(payload: Any) -> None:
    with pytest.raises(MalformedFailuresError):
        done(payload)


def test_without_report_batch_item_failures_any_answer_is_success() -> None:
    assert done(failures("a"), report_failures=False) == ["a", "b", "c"]
    assert done("anything", report_failures=False) == ["a", "b", "c"]


@pytest.mark.parametrize("report_failures", [True, False])
def test_an_error_fails_the_whole_batch(report_failures: bool) -> None:
    result = Result("r", 0.0, error=FunctionError("m", "T", "r"))
    assert finished(BATCH, result, report_failures=report_failures) == []
