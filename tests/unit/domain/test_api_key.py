"""What an API key may be asked to be, and what takes its place when it is rotated."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from triggerfish.domain.access import SCOPES
from triggerfish.domain.api_key import (
    ApiKey,
    NewKey,
    parse_new_key,
    refuse_gain,
    replacement,
)
from triggerfish.domain.errors import Conflict, Forbidden, InvalidInput
from triggerfish.domain.overlap import parse_overlap

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BODY: dict[str, Any] = {"name": "ci", "scopes": ["triggers:read"]}


def a_key(**changes: Any) -> ApiKey:
    given: dict[str, Any] = {
        "id": UUID(int=1),
        "project_id": UUID(int=2),
        "name": "ci",
        "prefix": "tf_0",
        "scopes": ("triggers:read",),
        "created_at": NOW - DAY,
        "expires_at": None,
    }
    return ApiKey(**given | changes)


@pytest.mark.parametrize(
    ("changes", "expires_at"),
    [
        ({}, None),
        ({"expires_at": None, "expires_in": None}, None),
        ({"expires_in": "90d"}, NOW + 90 * DAY),
        ({"expires_in": "PT12H"}, NOW + DAY / 2),
        ({"expires_at": "2026-03-03T13:00:00+01:00"}, NOW + DAY),
    ],
)
def test_a_key_is_asked_for_with_its_end_or_without(changes, expires_at):
    assert parse_new_key(BODY | changes, now=NOW) == NewKey("ci", ("triggers:read",), expires_at)


def test_scopes_are_a_set_kept_in_one_order():
    given = [*reversed(SCOPES), "triggers:read"]
    assert parse_new_key(BODY | {"scopes": given}, now=NOW).scopes == SCOPES


def test_all_that_is_wrong_is_named_at_once():
    raw = {"nam": "x", "scopes": ["triggers:read", "all", []], "expires_in": "soon"}
    with pytest.raises(InvalidInput) as caught:
        parse_new_key(raw, now=NOW)
    fields = [detail.field for detail in caught.value.details]
    assert fields == ["nam", "name", "scopes[1]", "scopes[2]", "expires_in"]


def test_an_overlap_is_a_day_unless_said_otherwise():
    assert parse_overlap({}) == DAY
    assert parse_overlap({"overlap_seconds": 0}) == timedelta()
    assert parse_overlap({"overlap_seconds": 604_800}) == 7 * DAY


def test_a_key_gives_only_what_it_has():
    refuse_gain(frozenset(SCOPES), SCOPES)
    with pytest.raises(Forbidden, match="events:read, keys:admin"):
        refuse_gain(frozenset({"triggers:read"}), ("triggers:read", "events:read", "keys:admin"))


def test_the_successor_of_a_key_may_and_lasts_as_much_as_the_key():
    assert replacement(a_key(), maker_ends=None, now=NOW) == NewKey("ci", ("triggers:read",), None)
    expiring = a_key(expires_at=NOW + DAY)  # created a day ago, so it lives two days
    assert replacement(expiring, maker_ends=None, now=NOW).expires_at == NOW + 2 * DAY


@pytest.mark.parametrize(
    "over",
    [
        a_key(revoked_at=NOW - DAY),
        a_key(expires_at=NOW),
        a_key(replaced_by=UUID(int=3), expires_at=NOW + DAY),
    ],
    ids=["revoked", "expired", "rotated"],
)
def test_a_key_that_is_over_has_no_successor(over):
    with pytest.raises(Conflict):
        replacement(over, maker_ends=None, now=NOW)
