"""Queue messages: written and read as the same, and nothing else is a job."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.message import message_body, parse_message

REF = EventRef(UUID(int=5), datetime(2026, 3, 2, 12, 0, 0, 123457, tzinfo=UTC), "abc", "t:1")
BODY = message_body(REF)


def test_a_message_is_read_as_it_was_written_to_the_microsecond():
    assert parse_message(json.loads(json.dumps(BODY))) == REF


def test_a_message_carries_ids_and_times_only():
    assert set(BODY) == {"v", "event_id", "due_at_us", "endpoint_key", "dedup_id"}
    assert len(json.dumps(BODY)) < 300


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        5,
        {},
        BODY | {"v": 2},
        BODY | {"v": "1"},
        BODY | {"event_id": "1"},
        BODY | {"event_id": 1},
        BODY | {"event_id": None},
        BODY | {"due_at_us": None},
        BODY | {"due_at_us": "soon"},
        BODY | {"due_at_us": []},
        BODY | {"due_at_us": 10**40},
        BODY | {"due_at_us": -(10**40)},
        BODY | {"due_at_us": float("nan")},
        BODY | {"due_at_us": float("inf")},
        *({name: BODY[name] for name in BODY if name != missing} for missing in BODY),
    ],
    ids=str,
)
def test_anything_else_is_no_job(body):
    with pytest.raises(InvalidInput):
        parse_message(body)
