"""When schedules are due."""

from datetime import UTC, datetime

import pytest

from local.runtime.template import TemplateError
from local.runtime.timing import Cron, Every, parse_expression


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_an_interval_is_aligned_to_whole_multiples() -> None:
    assert Every(1).next_after(10.2) == 11
    assert Every(60).next_after(119.9) == 120
    assert Every(60).next_after(120) == 180


@pytest.mark.parametrize(
    ("expression", "timing"),
    [
        ("rate(1 minute)", Every(60)),
        ("rate(5 minutes)", Every(300)),
        ("rate(1 hour)", Every(3600)),
        ("rate(2 days)", Every(172800)),
        ("cron(0 9 ? * 2-6 *)", Cron("0 9 * * MON-FRI")),
        ("cron(0/15 * * * ? *)", Cron("0/15 * * * *")),
        ("cron(0 9 ? * 2#1 *)", Cron("0 9 * * MON#1")),
    ],
)
def test_an_expression_of_eventbridge_is_read(expression: str, timing: Every | Cron) -> None:
    assert parse_expression(expression) == timing


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 second)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "every minute",
        "cron(0 9 * * * *)",
        "cron(0 9 ? * MON 2030)",
        "cron(99 9 ? * MON *)",
        "cron(0 9 * *)",
    ],
)
def test_what_eventbridge_refuses_is_refused(expression: str) -> None:
    with pytest.raises(TemplateError):
        parse_expression(expression)


def test_a_cron_schedule_is_due_in_utc() -> None:
    nine = parse_expression("cron(0 9 ? * MON-FRI *)")
    assert nine.next_after(at("2026-01-02T09:00:00")) == at("2026-01-05T09:00:00")
