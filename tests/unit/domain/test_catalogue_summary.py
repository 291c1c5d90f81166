"""Summaries: 50 to 100 tokens whatever the event, pieces of 2 to 5, and a key for each state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggerfish.domain.catalogue_event import PUBLIC_STATUSES, CatalogueStatus, PublicEvent
from triggerfish.domain.catalogue_summary import chunks, summary_key, summary_text

START = datetime(2030, 9, 25, 19, 30, tzinfo=UTC)
EVENT = PublicEvent(
    UUID(int=1),
    "Jazz Night",
    START,
    START + timedelta(hours=3),
    "Blue Note, Berlin",
    True,
    CatalogueStatus.PUBLISHED,
)
STATES = list(product(PUBLIC_STATUSES, (True, False)))


@pytest.mark.parametrize(("status", "upcoming"), STATES)
@pytest.mark.parametrize("words", [1, 15, 16, 17, 100])
def test_a_summary_has_50_to_100_tokens_however_long_its_event(status, upcoming, words):
    long = " ".join("a" * words)
    event = replace(EVENT, title=long, location=long, status=status, is_upcoming=upcoming)
    assert 50 <= len(summary_text(event).split()) <= 100


@pytest.mark.parametrize(("status", "upcoming"), STATES)
def test_a_summary_says_what_where_and_when(status, upcoming):
    text = summary_text(replace(EVENT, status=status, is_upcoming=upcoming))
    for part in ("Jazz Night", "Blue Note, Berlin", "Wednesday, 25 September 2030 at 19:30"):
        assert part in text
    assert ("cancelled" in text) == (status is CatalogueStatus.CANCELLED)
    wants_tickets = upcoming and status is CatalogueStatus.PUBLISHED
    assert ("get your tickets now" in text) == wants_tickets


def test_a_summary_is_the_same_for_the_same_event():
    assert summary_text(EVENT) == summary_text(replace(EVENT))
    assert summary_key(EVENT) == summary_key(replace(EVENT))


def test_every_public_field_has_a_part_in_the_key():
    others = [
        replace(EVENT, id=UUID(int=2)),
        replace(EVENT, title="Jazz Nights"),
        replace(EVENT, start_at=START - timedelta(microseconds=1)),
        replace(EVENT, end_at=START + timedelta(hours=4)),
        replace(EVENT, location="Blue Note"),
        replace(EVENT, is_upcoming=False),
        replace(EVENT, status=CatalogueStatus.CANCELLED),
        replace(EVENT, title='Jazz Night", "', location="Berlin"),
    ]
    assert len({summary_key(event) for event in [EVENT, *others]}) == 1 + len(others)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab.,", min_size=1), min_size=2, max_size=100))
def test_pieces_have_2_to_5_tokens_and_are_the_text_when_put_together(tokens):
    text = " ".join(tokens)
    pieces = list(chunks(text))
    assert "".join(pieces) == text
    assert all(2 <= len(piece.split()) <= 5 for piece in pieces)


def test_pieces_of_a_single_token_and_of_none():
    assert list(chunks("alone")) == ["alone"]
    assert list(chunks("")) == []
