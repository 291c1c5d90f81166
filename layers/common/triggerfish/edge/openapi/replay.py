"""Replays: events that are over, sent again as new ones."""

from triggerfish.edge.openapi.event_log import EVENT_ID, TAG
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import (
    COUNT,
    ID,
    TEXT,
    Schema,
    closed,
    list_of,
    nullable,
    of_model,
    ref,
)
from triggerfish.edge.queries import ReplayBody, ReplayOneBody

_REPLAY = {"event_id": ID, "replay_of": ID}

SCHEMAS: dict[str, Schema] = {
    "ReplayChoice": of_model(ReplayOneBody),
    "ReplayFilter": of_model(ReplayBody),
    "Replay": closed(_REPLAY | {"status": {"const": "pending"}}),
    "Replays": closed(
        {
            "dry_run": {"const": False},
            "count": COUNT,
            "next_cursor": nullable(TEXT),
            "replays": list_of(closed(_REPLAY)),
        }
    ),
    "ReplayCount": closed(
        {"dry_run": {"const": True}, "count": COUNT, "next_cursor": nullable(TEXT)}
    ),
}

_ONE = {"event_id": "01a20370-59da-7cde-b260-1c716cfbbc60", "replay_of": EVENT_ID}

one = operation(
    "replayEvent",
    TAG,
    "Replay an event",
    {202: Answer("A new event.", ref("Replay"), {"Accepted": _ONE | {"status": "pending"}})},
    description="The same bytes, to the endpoint of the revision that fired then or the current.",
    body=Body(
        ref("ReplayChoice"),
        {"To where the trigger delivers now": {"endpoint": "current"}},
        "The body is not valid.",
        {"endpoint": "must be one of original, current"},
        required=False,
    ),
    refusals=(Refusal(409, "The event has not fired yet, or has no trigger now."),),
    keyed=True,
)
many = operation(
    "replayEvents",
    TAG,
    "Replay the events that a filter finds",
    {
        200: Answer(
            "A dry run: nothing was written.",
            ref("ReplayCount"),
            {"How many there would be": {"dry_run": True, "count": 2, "next_cursor": None}},
        ),
        202: Answer(
            "New events.",
            ref("Replays"),
            {
                "One event": {
                    "dry_run": False,
                    "count": 1,
                    "next_cursor": None,
                    "replays": [_ONE],
                }
            },
        ),
    },
    description="The newest `limit` are taken; what is still open needs no replay.",
    body=Body(
        ref("ReplayFilter"),
        {"How many failures": {"status": "failure", "dry_run": True}},
        "The body is not valid.",
        {"status": "must be one of success, failure"},
    ),
    keyed=True,
)
