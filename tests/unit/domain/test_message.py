"""Queue messages: written and read as the same, and nothing else is a message about events."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.message import MAX_EVENTS, message_body, parse_message

DUE = datetime(2026, 3, 2, 12, 0, 0, 123457, tzinfo=UTC)
REFS = (EventRef(UUID(int=5), DUE, "abc"), EventRef(UUID(int=6), DUE, "def;3;0.5"))
BODY = message_body(REFS)
EVENT = BODY["events"][0]


def test_a_message_is_read_as_it_was_written_to_the_microsecond():
    assert parse_message(json.loads(json.dumps(BODY))) == REFS


def test_a_message_carries_ids_and_times_only():
    assert set(BODY) == {"v", "events"}
    assert set(EVENT) == {"id", "due_at_us", "endpoint_key"}
    assert len(json.dumps(message_body(REFS * (MAX_EVENTS // 2)))) < 16_000


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        5,
        {},
        BODY | {"v": 1},
        BODY | {"v": "2"},
        BODY | {"events": []},
        BODY | {"events": None},
        BODY | {"events": "all"},
        BODY | {"events": {"id": 1}},
        *(
            BODY | {"events": [EVENT, broken]}
            for broken in [
                None,
                EVENT | {"id": "1"},
                EVENT | {"id": 1},
                EVENT | {"id": None},
                EVENT | {"due_at_us": None},
                EVENT | {"due_at_us": "soon"},
                EVENT | {"due_at_us": []},
                EVENT | {"due_at_us": 10**40},
                EVENT | {"due_at_us": -(10**40)},
                EVENT | {"due_at_us": float("nan")},
                EVENT | {"due_at_us": float("inf")},
                *({name: EVENT[name] for name in EVENT if name != lost} for lost in EVENT),
            ]
        ),
    ],
    ids=str,
)
def test_anything_else_is_no_message(body):
    with pytest.raises(InvalidInput):
        parse_message(body)
