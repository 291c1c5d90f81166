"""Notifications: their words, their messages, the waits between attempts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from triggerfish.domain.catalogue_notification import (
    WORDS,
    News,
    Notification,
    message_body,
    parse_message,
    wait_after,
)
from triggerfish.domain.errors import InvalidInput

ID = UUID(int=7)


@pytest.mark.parametrize(
    ("news", "text"),
    [
        (News.CREATED, "New event created: Jazz: a night"),
        (News.PUBLISHED, "Event published: Jazz: a night"),
        (News.CANCELLED, "Event cancelled: Jazz: a night"),
    ],
)
def test_each_news_has_its_words(news, text):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert Notification(ID, UUID(int=1), news, "Jazz: a night", now).text == text
    assert set(WORDS) == set(News)


def test_a_message_names_its_notification():
    assert parse_message(message_body(ID)) == ID


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"v": 1},
        {"v": 2, "notification_id": str(ID)},
        {"v": 1, "notification_id": 7},
        {"v": 1, "notification_id": None},
        {"v": 1, "notification_id": "7"},
        {"v": 1, "event_id": str(ID)},
    ],
)
def test_anything_else_is_no_message(body):
    with pytest.raises(InvalidInput):
        parse_message(body)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (10, 2560), (11, 3600), (10**9, 3600)]
)
def test_waits_double_up_to_an_hour(attempt, seconds):
    assert wait_after(attempt) == timedelta(seconds=seconds)
