"""Definitions as people get them wrong: everything that is missing or unknown, at once, by name."""

from typing import Any

import pytest

from tests.clock import utc
from triggerfish.domain.api_key import parse_new_key
from triggerfish.domain.catalogue_event_parse import parse_new_event
from triggerfish.domain.endpoint import parse_endpoint
from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.retry_parse import parse_retry
from triggerfish.domain.trigger import parse_definition
from triggerfish.domain.verification import parse_verification

NOW = utc("2026-03-01T12:00")
VALID = {
    "type": "scheduled",
    "name": "n",
    "schedule": {"every": "1h"},
    "endpoint": {"url": "https://example.com/"},
}


def refused(parse: Any, *args: Any, **others: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as invalid:
        parse(*args, **others)
    return {detail.field: detail.message for detail in invalid.value.details}


@pytest.mark.parametrize(
    ("raw", "missing"),
    [
        ({}, {"type", "name", "endpoint"}),
        ({"type": None, "name": None}, {"type", "name", "endpoint"}),
        ({"type": "scheduled"}, {"name", "endpoint", "schedule"}),
        ({"type": "api"}, {"name", "endpoint"}),
        ({"type": "api", "endpoint": {}}, {"name", "endpoint.url"}),
        ({**VALID, "schedule": {"interval": 5}}, {"schedule.unit", "schedule.is_recurring"}),
    ],
)
def test_all_that_a_trigger_lacks_is_required_at_once(raw, missing):
    said = refused(parse_definition, raw, now=NOW)
    assert set(said) == missing
    assert all(message.startswith("is required") for message in said.values())


def test_what_others_lack_is_required_as_well():
    assert set(refused(parse_new_key, {}, now=NOW)) == {"name", "scopes"}
    assert set(refused(parse_verification, {})) == {
        "verification.type",
        "verification.secret",
    }
    assert refused(parse_verification, {"type": "github"}) == {"verification.secret": "is required"}
    event = refused(parse_new_event, {}, now=NOW)
    assert event == dict.fromkeys(("title", "startAt", "endAt", "location"), "is required")


@pytest.mark.parametrize(
    ("changes", "field", "meant"),
    [
        ({"nam": "x"}, "nam", "name"),
        ({"url": "https://example.com"}, "url", "endpoint.url"),
        ({"cron": "0 9 * * *"}, "cron", "schedule.cron"),
        ({"tz": "UTC"}, "tz", "schedule.timezone"),
        ({"maxFires": 1}, "maxFires", "schedule.max_fires"),
        ({"catchUp": "all"}, "catchUp", "catch_up"),
        ({"body": {}}, "body", "payload"),
        ({"schedule": {"every": "1h", "maxFires": 1}}, "schedule.maxFires", "max_fires"),
        ({"schedule": {"cron": "@daily", "tz": "UTC"}}, "schedule.tz", "timezone"),
        ({"endpoint": {"url": "https://a.example", "timeout": 5}}, "endpoint.timeout", "timeout_seconds"),
        ({"retry": {"delays": [1]}}, "retry.delays", "delays_seconds"),
        ({"retry": {"exponential": {"maxAttempts": 3}}}, "retry.exponential.maxAttempts", "max_attempts"),
        ({"type": "cron", "URL": "x"}, "URL", "endpoint.url"),
    ],
)  # fmt: skip
def test_an_unknown_field_names_the_one_that_was_meant(changes, field, meant):
    said = refused(parse_definition, VALID | changes, now=NOW)
    assert said[field].endswith(f"did you mean {meant}?")


def test_an_unknown_field_beside_a_wrong_type_is_named_too():
    said = refused(parse_definition, {"type": "cron", "colour": 1, "schema": {}}, now=NOW)
    assert set(said) == {"type", "colour", "name", "endpoint"}


@pytest.mark.parametrize(
    "url",
    ["example.com", "example.com:8080/hook", "localhost:9000/hook", "//example.com/", "www.example.com",
     "ftp://example.com", "htps://example.com", "mailto:a@example.com", "", "/hook", 5, [], True],
)  # fmt: skip
def test_a_url_without_a_scheme_says_how_it_must_begin(url):
    assert "https://" in refused(parse_endpoint, {"url": url})["endpoint.url"]


def test_an_empty_retry_policy_says_what_it_may_have():
    assert "exponential" in refused(parse_retry, {})["retry.delays_seconds"]
