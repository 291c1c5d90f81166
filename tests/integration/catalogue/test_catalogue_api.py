"""The event catalogue over HTTP, through both lanes: what its team does, and what the public sees."""

import asyncio
from uuid import UUID, uuid4

import pytest

from tests.factories import a_catalogue_event
from tests.integration.catalogue.actions import EVENTS, NOBODY, PUBLIC, TOKEN, Catalogue
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import assert_refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUSES = ("DRAFT", "PUBLISHED", "CANCELLED")
ALLOWED = {("DRAFT", "PUBLISHED"), ("DRAFT", "CANCELLED"), ("PUBLISHED", "CANCELLED")}
PLACES = {"a": "Berlin", "b": "Hamburg", "c": "100%_real\\fun", "d": "Lange Straße, MÜNCHEN"}
SEARCHES = {
    "berlin": ["a"],
    "BERLIN,hamburg": ["a", "b"],
    " ham ,": ["b"],
    "%": ["c"],
    "100%_": ["c"],
    "_": ["c"],
    "\\": ["c"],
    "straße": ["d"],
    "STRASSE": ["d"],
    "münchen": ["d"],
    "MU\u0308NCHEN": ["d"],
    "b": ["a", "b"],
    "atlantis": [],
    "'; DROP TABLE catalogue_events; --": [],
}
PUBLIC_FIELDS = ["id", "title", "startAt", "endAt", "location", "isUpcoming", "status"]


async def test_an_event_is_created_as_a_draft_and_shown_in_full(catalogue: Catalogue) -> None:
    event = await catalogue.create(internalNotes="ask for a piano")
    assert UUID(event.pop("id"))
    assert event.pop("updatedAt").endswith("Z")
    assert event.pop("createdBy").startswith("key ")
    assert event == a_catalogue_event(
        status="DRAFT", internalNotes="ask for a piano", isUpcoming=True
    )


async def test_an_event_appears_publicly_only_once_it_is_published(catalogue: Catalogue) -> None:
    event = await catalogue.create()
    one = f"{PUBLIC}/{event['id']}"
    assert await catalogue.titles() == ["Jazz Night"]
    assert await catalogue.titles(PUBLIC) == []
    assert_refused(await catalogue.http.get(one), 404)
    await catalogue.change(event, status="PUBLISHED")
    assert await catalogue.titles(PUBLIC) == ["Jazz Night"]
    shown = await catalogue.get(one)
    assert list(shown) == PUBLIC_FIELDS
    assert shown == {name: event[name] for name in PUBLIC_FIELDS} | {"status": "PUBLISHED"}
    assert (await catalogue.change(event, status="CANCELLED")).status_code == 200
    assert (await catalogue.get(one))["status"] == "CANCELLED"
    assert (await catalogue.get(PUBLIC))["events"] == [shown | {"status": "CANCELLED"}]


async def test_the_public_needs_no_key_and_the_team_does(catalogue: Catalogue) -> None:
    event = await catalogue.create(status="PUBLISHED")
    for path in (PUBLIC, f"{PUBLIC}/{event['id']}"):
        assert (await catalogue.http.get(path, headers=NOBODY)).status_code == 200
    for method, path in (
        ("POST", EVENTS),
        ("GET", EVENTS),
        ("PATCH", f"{EVENTS}/{event['id']}"),
    ):
        for header in (NOBODY, {"authorization": "Bearer wrong"}, {"x-api-key": ""} | NOBODY):
            assert_refused(await catalogue.http.request(method, path, headers=header), 401)


@pytest.mark.parametrize("new", STATUSES)
@pytest.mark.parametrize("old", STATUSES)
async def test_a_status_changes_only_as_the_table_says(
    catalogue: Catalogue, old: str, new: str
) -> None:
    event = await catalogue.create(status=old)
    answer = await catalogue.change(event, status=new)
    if (old, new) in ALLOWED:
        assert answer.status_code == 200
        assert answer.json() == event | {"status": new, "updatedAt": answer.json()["updatedAt"]}
    else:
        assert_refused(answer, 409)
        assert (await catalogue.get(EVENTS))["events"] == [event]


async def test_notes_are_changed_and_removed_without_touching_the_status(
    catalogue: Catalogue,
) -> None:
    event = await catalogue.create(status="CANCELLED", internalNotes="first")
    changed = (await catalogue.change(event, internalNotes="second")).json()
    assert changed == event | {"internalNotes": "second", "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > event["updatedAt"]
    assert (await catalogue.change(event, internalNotes=None)).json()["internalNotes"] is None
    both = await catalogue.create(internalNotes="kept")
    published = (await catalogue.change(both, status="PUBLISHED")).json()
    assert published["internalNotes"] == "kept"


async def test_a_change_of_an_unknown_event_is_not_found(catalogue: Catalogue) -> None:
    for id in (str(uuid4()), "1", "%00"):
        assert_refused(
            await catalogue.http.patch(f"{EVENTS}/{id}", json={"status": "PUBLISHED"}), 404
        )


async def test_of_many_who_publish_at_once_one_wins_and_it_is_told_once(
    catalogue: Catalogue,
) -> None:
    event = await catalogue.create()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(catalogue.change(event, status="PUBLISHED")) for _ in range(8)]
    answers = sorted(call.result().status_code for call in calls)
    assert answers == [200] + [409] * 7
    [stored] = catalogue.sql("SELECT status, version FROM catalogue_events")
    assert stored == ("PUBLISHED", 2)
    told = catalogue.sql("SELECT news FROM catalogue_notifications ORDER BY id")
    assert told == [("created",), ("published",)]
    assert len(catalogue.messages()) == 2


async def test_pages_are_cut_by_number_with_exact_totals(catalogue: Catalogue) -> None:
    for n in range(5):
        await catalogue.create(title=str(n), startAt=f"2999-01-0{5 - n}T10:00:00Z")
    first = await catalogue.get(EVENTS, limit=2)
    assert [event["title"] for event in first["events"]] == ["4", "3"]
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 5, "totalPages": 3}
    assert await catalogue.titles(page=2, limit=2) == ["2", "1"]
    assert await catalogue.titles(page=3, limit=2) == ["0"]
    beyond = await catalogue.get(EVENTS, page=4, limit=2)
    assert beyond == {"events": [], "pagination": first["pagination"] | {"page": 4}}
    assert await catalogue.titles(page=1_000_000, limit=100) == []
    whole = await catalogue.get(EVENTS, limit=5)
    assert whole["pagination"] == {"page": 1, "limit": 5, "total": 5, "totalPages": 1}


async def test_a_list_without_anything_has_no_pages(catalogue: Catalogue) -> None:
    for path in (EVENTS, PUBLIC):
        assert await catalogue.get(path) == {
            "events": [],
            "pagination": {"page": 1, "limit": 20, "total": 0, "totalPages": 0},
        }


async def test_pages_of_events_at_one_instant_neither_repeat_nor_miss(catalogue: Catalogue) -> None:
    ids = {(await catalogue.create())["id"] for _ in range(5)}
    seen = [
        event["id"]
        for page in (1, 2, 3)
        for event in (await catalogue.get(EVENTS, page=page, limit=2))["events"]
    ]
    assert len(seen) == 5
    assert set(seen) == ids


async def test_days_are_inclusive_and_of_utc(catalogue: Catalogue) -> None:
    starts = {
        "before": "2999-03-04T23:59:59.999999Z",
        "first": "2999-03-05T00:00:00Z",
        "last": "2999-03-06T23:59:59.999999Z",
        "elsewhere": "2999-03-07T00:30:00+01:00",
        "after": "2999-03-07T00:00:00Z",
    }
    for title, start in starts.items():
        await catalogue.create(title=title, startAt=start, endAt="2999-04-01T00:00:00Z")
    assert await catalogue.titles(dateFrom="2999-03-05", dateTo="2999-03-06") == [
        "first",
        "elsewhere",
        "last",
    ]
    assert await catalogue.titles(dateFrom="2999-03-07") == ["after"]
    assert await catalogue.titles(dateTo="2999-03-04") == ["before"]
    assert len(await catalogue.titles(dateFrom="0001-01-01", dateTo="9999-12-31")) == 5


async def test_locations_are_found_by_any_part_in_any_case(catalogue: Catalogue) -> None:
    for title, place in PLACES.items():
        await catalogue.create(title=title, location=place, status="PUBLISHED")
    for locations, found in SEARCHES.items():
        assert sorted(await catalogue.titles(locations=locations)) == found, locations
        assert sorted(await catalogue.titles(PUBLIC, locations=locations)) == found, locations


async def test_the_team_chooses_by_status(catalogue: Catalogue) -> None:
    for status in STATUSES:
        await catalogue.create(title=status, status=status)
    assert sorted(await catalogue.titles()) == sorted(STATUSES)
    assert await catalogue.titles(status="DRAFT") == ["DRAFT"]
    assert sorted(await catalogue.titles(status="CANCELLED, DRAFT")) == ["CANCELLED", "DRAFT"]
    assert sorted(await catalogue.titles(PUBLIC)) == ["CANCELLED", "PUBLISHED"]


async def test_filters_narrow_together(catalogue: Catalogue) -> None:
    await catalogue.create(title="right", status="PUBLISHED")
    await catalogue.create(title="draft")
    await catalogue.create(title="place", status="PUBLISHED", location="Rome")
    await catalogue.create(title="day", status="PUBLISHED", startAt="2999-03-04T19:30:00Z")
    query = {"locations": "berlin", "dateFrom": "2999-03-05", "dateTo": "2999-03-05"}
    assert await catalogue.titles(status="PUBLISHED", **query) == ["right"]
    assert await catalogue.titles(PUBLIC, **query) == ["right"]


async def test_public_answers_are_conditional_and_may_be_kept_by_anybody(
    catalogue: Catalogue,
) -> None:
    event = await catalogue.create(status="PUBLISHED")
    for path in (PUBLIC, f"{PUBLIC}/{event['id']}"):
        first = await catalogue.http.get(path)
        assert first.headers["cache-control"] == "public, no-cache"
        assert "vary" not in first.headers
        known = {"if-none-match": first.headers["etag"]}
        again = await catalogue.http.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await catalogue.change(event, internalNotes="not for you")).status_code == 200
    assert (await catalogue.http.get(path, headers=known)).status_code == 304
    assert (await catalogue.change(event, status="CANCELLED")).status_code == 200
    assert (await catalogue.http.get(path, headers=known)).status_code == 200


async def test_an_event_is_upcoming_until_it_starts(catalogue: Catalogue) -> None:
    event = await catalogue.create(status="PUBLISHED")
    catalogue.sql("UPDATE catalogue_events SET start_at = now() - interval '1 second', version = 2")
    assert (await catalogue.get(f"{PUBLIC}/{event['id']}"))["isUpcoming"] is False
    [listed] = (await catalogue.get(EVENTS))["events"]
    assert listed["isUpcoming"] is False


async def test_the_static_token_manages_the_catalogue_and_nothing_else(
    catalogue: Catalogue,
) -> None:
    team = {"authorization": f"Bearer {TOKEN}"}
    made = await catalogue.http.post(EVENTS, json=a_catalogue_event(), headers=team)
    assert made.status_code == 201
    assert made.json()["createdBy"] == "admin token"
    assert (await catalogue.http.get(EVENTS, headers=team)).status_code == 200
    for path in ("/api/v1/triggers", "/api/v1/keys", "/api/v1/projects", "/api/v1/event-logs"):
        assert_refused(await catalogue.http.get(path, headers=team), 401)
    for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
        headers = {"authorization": f"Bearer {wrong}"}
        assert_refused(await catalogue.http.get(EVENTS, headers=headers), 401)


async def test_a_key_of_the_first_project_needs_the_scope_of_the_catalogue(
    catalogue: Catalogue,
) -> None:
    mine = own_project(catalogue.api)
    keys = {
        scope: an_api_key(catalogue.api, f"tf_{uuid4().hex}", scope, project_id=mine)
        for scope in ("catalogue:admin", "triggers:write")
    }
    made = await catalogue.http.post(
        EVENTS, json=a_catalogue_event(), headers=keys["catalogue:admin"]
    )
    assert made.status_code == 201
    assert made.json()["createdBy"].startswith("key ")
    refused = await catalogue.http.post(
        EVENTS, json=a_catalogue_event(), headers=keys["triggers:write"]
    )
    assert_refused(refused, 403)


async def test_whoever_creates_an_event_may_say_who_that_is(catalogue: Catalogue) -> None:
    assert (await catalogue.create(createdBy="Ada"))["createdBy"] == "Ada"
