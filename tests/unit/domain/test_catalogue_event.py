"""The catalogue's rules: transitions in full, what the public sees, what a body may ask for."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_catalogue_event
from triggerfish.domain.catalogue_event import (
    TRANSITIONS,
    CatalogueEvent,
    CatalogueStatus,
    EventChange,
    change_event,
    fold,
    publish,
)
from triggerfish.domain.catalogue_event_parse import parse_change, parse_new_event
from triggerfish.domain.catalogue_notification import News
from triggerfish.domain.errors import Conflict, InvalidInput

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = CatalogueEvent(
    id=UUID(int=1),
    title="Jazz Night",
    start_at=NOW + timedelta(days=1),
    end_at=NOW + timedelta(days=2),
    location="Berlin",
    status=CatalogueStatus.DRAFT,
    internal_notes="secret notes",
    created_by="secret author",
    updated_at=NOW,
)
DRAFT, PUBLISHED, CANCELLED = CatalogueStatus


@pytest.mark.parametrize(
    ("old", "new", "news"),
    [
        (DRAFT, DRAFT, None),
        (DRAFT, PUBLISHED, News.PUBLISHED),
        (DRAFT, CANCELLED, News.CANCELLED),
        (PUBLISHED, DRAFT, None),
        (PUBLISHED, PUBLISHED, None),
        (PUBLISHED, CANCELLED, News.CANCELLED),
        (CANCELLED, DRAFT, None),
        (CANCELLED, PUBLISHED, None),
        (CANCELLED, CANCELLED, None),
    ],
)
def test_the_table_of_transitions_in_full(old, new, news):
    event = replace(EVENT, status=old)
    if news is None:
        with pytest.raises(Conflict):
            change_event(event, EventChange(new), NOW)
    else:
        later = NOW + timedelta(seconds=1)
        changed, told = change_event(event, EventChange(new), later)
        assert changed == replace(event, status=new, updated_at=later, version=2)
        assert told is news


def test_nothing_leads_back_to_a_draft_and_nothing_leaves_a_cancelled_event():
    assert all(new is not DRAFT and old is not CANCELLED for old, new in TRANSITIONS)


@pytest.mark.parametrize("notes", ["new", "", None])
def test_a_change_of_notes_tells_nobody_and_keeps_the_status(notes):
    changed, told = change_event(EVENT, EventChange(new_notes=(notes,)), NOW)
    assert (changed.internal_notes, changed.status, told) == (notes, DRAFT, None)


def test_a_draft_is_not_public_and_what_is_public_holds_nothing_private():
    assert publish(EVENT, NOW) is None
    for status in (PUBLISHED, CANCELLED):
        public = publish(replace(EVENT, status=status), NOW)
        assert public is not None
        names = [field.name for field in fields(public)]
        assert names == ["id", "title", "start_at", "end_at", "location", "is_upcoming", "status"]
        assert "secret" not in repr(public)


@pytest.mark.parametrize(("seconds", "upcoming"), [(-1, True), (0, False), (1, False)])
def test_an_event_is_upcoming_until_the_very_moment_it_starts(seconds, upcoming):
    public = publish(replace(EVENT, status=PUBLISHED), EVENT.start_at + timedelta(seconds=seconds))
    assert public is not None
    assert public.is_upcoming is upcoming


def test_texts_are_the_same_whatever_their_case_and_composition():
    assert fold("MU\u0308NCHEN, Straße") == fold("münchen, STRASSE")
    assert fold("Berlin") != fold("Bern")


def test_a_body_of_the_least_becomes_a_draft_of_the_caller():
    event = parse_new_event(a_catalogue_event(title="  Jazz \n Night "), now=NOW)
    assert event.title == "Jazz Night"
    assert (event.status, event.internal_notes, event.created_by) == (DRAFT, None, None)
    assert event.start_at == datetime(2999, 3, 5, 19, 30, tzinfo=UTC)


def test_an_event_may_start_right_now():
    body = a_catalogue_event(startAt="2026-03-02T12:00:00Z")
    assert parse_new_event(body, now=NOW).start_at == NOW


def details(body: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        parse_new_event(body, now=NOW)
    return [(detail.field, detail.message) for detail in refused.value.details]


def test_every_wrong_field_is_named_once():
    wrong = {
        "title": " ",
        "startAt": "2001-01-01T00:00:00Z",
        "endAt": "2000-01-01T00:00:00Z",
        "location": 7,
        "status": "draft",
        "internalNotes": [],
        "createdBy": "",
        "isUpcoming": True,
    }
    named = [field for field, _ in details(wrong)]
    assert sorted(named) == sorted(wrong)
    assert [field for field, _ in details({})] == ["title", "startAt", "endAt", "location"]


def test_a_change_names_every_field_that_it_may_not_touch():
    with pytest.raises(InvalidInput) as refused:
        parse_change({"title": "other", "version": 2, "status": None, "internalNotes": 1})
    wrong = {one.field for one in refused.value.details}
    assert wrong == {"title", "version", "status", "internalNotes"}
