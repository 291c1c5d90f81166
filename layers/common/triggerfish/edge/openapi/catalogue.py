"""The event catalogue: what its team sends, what the public reads."""

from typing import Any

from triggerfish.domain.catalogue_event import PUBLIC_STATUSES, CatalogueStatus
from triggerfish.domain.catalogue_event_parse import (
    MAX_AUTHOR_CHARACTERS,
    MAX_LOCATION_CHARACTERS,
    MAX_NOTES_CHARACTERS,
    MAX_TITLE_CHARACTERS,
)
from triggerfish.domain.catalogue_list import MAX_LIMIT
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import (
    ANY,
    BOOLEAN,
    COUNT,
    ID,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    list_of,
    nullable,
    one_of,
    ref,
)

TAG = "Event catalogue"
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_LINE = rf"^[^{_CONTROL}]*[^\s\x1c-\x1f{_CONTROL}][^{_CONTROL}]*$"


def _line(most: int) -> Schema:
    return {"type": "string", "pattern": _LINE, "maxLength": most}


_STATUS = one_of(*CatalogueStatus)
_NOTES = nullable({"type": "string", "maxLength": MAX_NOTES_CHARACTERS})
_PUBLIC: dict[str, Schema] = {
    "id": ID,
    "title": TEXT,
    "startAt": TIME,
    "endAt": TIME,
    "location": TEXT,
    "isUpcoming": described(BOOLEAN, "It has not started."),
    "status": one_of(*PUBLIC_STATUSES),
}
_PRIVATE = {"status": _STATUS, "internalNotes": nullable(TEXT), "createdBy": TEXT}
_PAGINATION = closed(
    {
        "page": {"type": "integer", "minimum": 1},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        "total": COUNT,
        "totalPages": COUNT,
    }
)

SCHEMAS: dict[str, Schema] = {
    "NewCatalogueEvent": closed(
        {
            "title": _line(MAX_TITLE_CHARACTERS),
            "startAt": described(TIME, "Not in the past."),
            "endAt": described(TIME, "After `startAt`."),
            "location": _line(MAX_LOCATION_CHARACTERS),
        },
        {
            "status": _STATUS | {"default": CatalogueStatus.DRAFT.value},
            "internalNotes": _NOTES,
            "createdBy": nullable(_line(MAX_AUTHOR_CHARACTERS)),
        },
    ),
    "CatalogueEventChange": closed(
        {}, {"status": _STATUS, "internalNotes": _NOTES}, minProperties=1
    ),
    "CatalogueEvent": closed(_PUBLIC | _PRIVATE | {"updatedAt": TIME}),
    "CatalogueEventPage": closed(
        {"events": list_of(ref("CatalogueEvent")), "pagination": _PAGINATION}
    ),
    "PublicEvent": closed(_PUBLIC),
    "PublicEventPage": closed({"events": list_of(ref("PublicEvent")), "pagination": _PAGINATION}),
}

PUBLIC_EVENT: dict[str, Any] = {
    "id": "01a203ea-8a85-712a-8189-8ffe7a304474",
    "title": "Jazz Night",
    "startAt": "2030-03-05T19:30:00Z",
    "endAt": "2030-03-05T22:00:00Z",
    "location": "Blue Note, Berlin",
    "isUpcoming": True,
    "status": "PUBLISHED",
}
EVENT = PUBLIC_EVENT | {
    "status": "DRAFT",
    "internalNotes": "ask for a piano",
    "createdBy": "key 01a203ea-1391-71e3-986b-cceae9245db3",
    "updatedAt": "2026-11-22T15:40:32.261910Z",
}
_NEW = {name: EVENT[name] for name in ("title", "startAt", "endAt", "location", "internalNotes")}
_ONE_PAGE = {"page": 1, "limit": 20, "total": 1, "totalPages": 1}
_PUBLIC_HEADERS = {
    "ETag": {"description": "Send it back as `If-None-Match`.", "required": True, "schema": TEXT},
    "Cache-Control": {"required": True, "schema": {"const": "public, no-cache"}},
}
_STREAM_HEADERS = {
    "Cache-Control": {"required": True, "schema": {"const": "no-store, no-transform"}},
    "X-Summary-Cache": {
        "description": "Whether the text was there already.",
        "required": True,
        "schema": one_of("HIT", "MISS"),
    },
}
_UNCHANGED = Answer("It is what `If-None-Match` names.", headers=_PUBLIC_HEADERS)
_IF_NONE_MATCH = {
    "If-None-Match": {"schema": TEXT, "description": "An `ETag` that was answered before."}
}

create = operation(
    "createCatalogueEvent",
    TAG,
    "Create an event of the catalogue",
    {201: Answer("The event.", ref("CatalogueEvent"), {"A draft": EVENT})},
    body=Body(
        ref("NewCatalogueEvent"),
        {"A draft": _NEW},
        "The event is not valid.",
        {"endAt": "must be after startAt"},
    ),
    keyed=True,
)
change = operation(
    "changeCatalogueEvent",
    TAG,
    "Publish or cancel an event, change its notes",
    {
        200: Answer(
            "The event.", ref("CatalogueEvent"), {"Published": EVENT | {"status": "PUBLISHED"}}
        )
    },
    description="`DRAFT` becomes `PUBLISHED` or `CANCELLED`, `PUBLISHED` becomes `CANCELLED`.",
    body=Body(
        ref("CatalogueEventChange"),
        {"Publish": {"status": "PUBLISHED"}, "Forget the notes": {"internalNotes": None}},
        "The change is not valid.",
        {"title": "cannot be changed"},
    ),
    refusals=(
        Refusal(409, "An event that is PUBLISHED cannot become DRAFT."),
        Refusal(409, "The event was changed at the same time; look at it again."),
    ),
    matched=True,
)
list_ = operation(
    "listCatalogueEvents",
    TAG,
    "List all events of the catalogue, the earliest first",
    {
        200: Answer(
            "A page.",
            ref("CatalogueEventPage"),
            {"One": {"events": [EVENT], "pagination": _ONE_PAGE}},
        )
    },
)
list_public = operation(
    "listPublicEvents",
    TAG,
    "List published and cancelled events, the earliest first",
    {
        200: Answer(
            "A page.",
            ref("PublicEventPage"),
            {"One": {"events": [PUBLIC_EVENT], "pagination": _ONE_PAGE}},
            _PUBLIC_HEADERS,
        ),
        304: _UNCHANGED,
    },
    headers=_IF_NONE_MATCH,
)
get_public = operation(
    "getPublicEvent",
    TAG,
    "Look up a published or cancelled event",
    {
        200: Answer("The event.", ref("PublicEvent"), {"One": PUBLIC_EVENT}, _PUBLIC_HEADERS),
        304: _UNCHANGED,
    },
    headers=_IF_NONE_MATCH,
)
summary = operation(
    "streamEventSummary",
    TAG,
    "Stream an event in words",
    {
        200: Answer(
            "Server-Sent Events: the text in pieces, then an event `done`.",
            described(ANY, "Of each event the data is a piece of the text, as it is."),
            {"Its end": "data: in your calendar today.\n\nevent: done\ndata:\n\n"},
            _STREAM_HEADERS,
            media_type="text/event-stream",
        )
    },
)
