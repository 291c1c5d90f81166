"""Rules that the document tells in words, since JSON Schema cannot express them.

Each takes a body (or its schedule or endpoint) whose fields fit their schemas, and makes it keep
one rule as well. Bodies that break a schema never come here.
"""

import re
from typing import Any
from urllib.parse import quote

from tests.integration.fuzz.formats import START

SOON = START.isoformat()
FAR = "9998-01-01T00:00:00Z"
SPAN = re.compile("(PT)?[1-9][0-9]{0,2}[smhSMH]|[1-9][0-9]?[dw]")
URL = re.compile("https?://example.com/", re.IGNORECASE)


def mend(body: dict[str, Any]) -> None:
    """Apply every rule where it can hold."""
    for part in (body, body.get("schedule"), body.get("endpoint"), body.get("retry")):
        if isinstance(part, dict):
            for rule in RULES:
                rule(part)


def what_is_to_come_is_not_past(part: dict[str, Any]) -> None:
    for name in ("at", "expires_at"):
        if isinstance(part.get(name), str) and part[name] < SOON:
            part[name] = SOON


def the_end_is_not_before_the_first_firing(part: dict[str, Any]) -> None:
    if part.get("end_at") is not None:
        part["end_at"] = FAR


def an_event_ends_after_it_starts(part: dict[str, Any]) -> None:
    if "startAt" in part and "endAt" in part:
        part["startAt"], part["endAt"] = SOON, FAR


def days_are_in_their_order(query: dict[str, Any]) -> None:
    """As far as both are given."""
    if "dateFrom" in query and "dateTo" in query:
        query["dateFrom"], query["dateTo"] = sorted((query["dateFrom"], query["dateTo"]))


def one_of_state_and_view_is_given(query: dict[str, Any]) -> None:
    """Both name the part of the log that is asked for."""
    if "view" in query:
        query.pop("state", None)


def a_time_span_is_over_a_second_and_under_ten_years(part: dict[str, Any]) -> None:
    for name in ("in", "every", "expires_in"):
        if isinstance(part.get(name), str) and not SPAN.fullmatch(part[name]):
            part[name] = "90m"


def an_interval_is_under_ten_years_and_its_jitter_not_longer(part: dict[str, Any]) -> None:
    if "every" in part or "interval" in part:
        for name in ("jitter_seconds", "interval"):
            if part.get(name) is not None:
                part[name] = min(part[name], 1)


def a_test_waits_a_day_at_most(part: dict[str, Any]) -> None:
    if "note" in part or "in" in part:
        for each in (part, part.get("schedule")):
            if isinstance(each, dict) and isinstance(each.get("in"), str):
                each["in"] = "90m"


def a_url_has_a_host(part: dict[str, Any]) -> None:
    if isinstance(part.get("url"), str) and not URL.match(part["url"]):
        part["url"] = "http://example.com/?" + quote(part["url"])[:100]


def a_header_comes_once_in_any_case(part: dict[str, Any]) -> None:
    if isinstance(part.get("headers"), dict):
        part["headers"] = {name.lower(): value for name, value in part["headers"].items()}


def waits_come_to_46_hours_at_most(part: dict[str, Any]) -> None:
    if isinstance(part.get("delays_seconds"), list):
        part["delays_seconds"] = [min(wait, 3600) for wait in part["delays_seconds"]]
    if isinstance(rule := part.get("exponential"), dict):
        rule["cap_seconds"] = min(rule.get("cap_seconds", 3600), 1650)  # a hundred times


def a_payload_fits_the_schema_beside_it(part: dict[str, Any]) -> None:
    if "schema" in part and part.get("payload") != {"id": 7}:
        part["schema"] = {}


RULES = (
    what_is_to_come_is_not_past,
    the_end_is_not_before_the_first_firing,
    an_event_ends_after_it_starts,
    a_time_span_is_over_a_second_and_under_ten_years,
    an_interval_is_under_ten_years_and_its_jitter_not_longer,
    a_test_waits_a_day_at_most,
    a_url_has_a_host,
    a_header_comes_once_in_any_case,
    waits_come_to_46_hours_at_most,
    a_payload_fits_the_schema_beside_it,
)
