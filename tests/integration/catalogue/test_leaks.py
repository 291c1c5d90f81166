"""No public answer, stream, header or error holds anything private, in either lane."""

from typing import Any

import httpx
import pytest

from tests.conftest import API_KEY
from tests.integration.catalogue.actions import EVENTS, NOBODY, PUBLIC, TOKEN, Catalogue
from tests.integration.lanes import assert_refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTES, AUTHOR = "notes-canary-7f3a", "author-canary-91bc"
DRAFT_TITLE, DRAFT_PLACE = "draft-canary-5d2e", "place-canary-c04f"
SECRETS = (NOTES, AUTHOR, TOKEN, API_KEY)
DRAFT = (DRAFT_TITLE, DRAFT_PLACE, "2987-06-05")
NAMES = ("internalNotes", "internal_notes", "createdBy", "created_by", "updatedAt", "updated_at")

QUERIES = (
    "",
    "?limit=1",
    "?page=2",
    "?dateFrom=2000-01-01&dateTo=2998-12-31",
    f"?locations={DRAFT_PLACE}",
    f"?locations={NOTES}",
    "?locations=a,b,c",
    "?status=DRAFT",
    "?page=0",
    "?fields=internalNotes",
    "?dateFrom=x",
)


async def an_estate(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """One event of each state, all with the same private values."""
    private = {"internalNotes": NOTES, "createdBy": AUTHOR}
    published = await catalogue.create(title="open", status="PUBLISHED", **private)
    cancelled = await catalogue.create(title="off", status="PUBLISHED", **private)
    assert (await catalogue.change(cancelled, status="CANCELLED")).status_code == 200
    draft = await catalogue.create(
        title=DRAFT_TITLE,
        location=DRAFT_PLACE,
        startAt="2987-06-05T00:00:00Z",
        endAt="2987-06-05T01:00:00Z",
        **private,
    )
    return {"published": published, "cancelled": cancelled, "draft": draft}


async def test_the_public_sees_nothing_private_wherever_it_looks(catalogue: Catalogue) -> None:
    estate = await an_estate(catalogue)
    draft_id = estate["draft"]["id"]
    of_one = [f"{PUBLIC}/{event['id']}" for event in estate.values()]
    paths = [f"{PUBLIC}{query}" for query in QUERIES]
    paths += [path + end for path in of_one for end in ("", "/summary", "/notes", "?x=1")]
    paths += [EVENTS, f"{EVENTS}/{draft_id}", "/health", "/metrics", "/public", "/"]
    answers = [
        await catalogue.http.request(method, path, headers=NOBODY)
        for path in paths
        for method in ("GET", "HEAD", "POST", "PATCH", "OPTIONS")
    ]
    shown = {
        answer.request.url.path for answer in answers if answer.status_code == 200 and answer.text
    }
    assert {PUBLIC, of_one[0], of_one[1], f"{of_one[0]}/summary"} <= shown
    for answer in answers:
        said = everything(answer)
        private = [value for value in (*SECRETS, *DRAFT, *NAMES) if value in said]
        if answer.status_code == 400:  # what the caller named comes back as a name
            private = [value for value in private if value not in str(answer.request.url)]
        assert private == [], (answer.request.method, answer.request.url, said)
        if draft_id not in str(answer.request.url):
            assert draft_id not in said


def everything(answer: httpx.Response) -> str:
    """Status line, headers and body."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
    return f"{answer.reason_phrase}\n{headers}\n{answer.text}"


async def test_a_draft_cannot_be_told_from_an_event_that_never_was(catalogue: Catalogue) -> None:
    draft = (await an_estate(catalogue))["draft"]["id"]
    never = "0198f3a0-0000-7000-8000-000000000000"
    for end in ("", "/summary"):
        answers = [
            await catalogue.http.get(f"{PUBLIC}/{id}{end}", headers=NOBODY) for id in (draft, never)
        ]
        errors = []
        for answer in answers:
            assert_refused(answer, 404)
            errors.append(answer.json()["error"] | {"request_id": None})
        assert errors[0] == errors[1]


async def test_no_total_counts_a_draft(catalogue: Catalogue) -> None:
    await an_estate(catalogue)
    day = {"dateFrom": "2987-06-05", "dateTo": "2987-06-05"}
    for query, total in (({}, 2), ({"locations": DRAFT_PLACE}, 0), (day, 0)):
        page = await catalogue.get(PUBLIC, **query)
        assert page["pagination"]["total"] == len(page["events"]) == total


async def test_a_refused_team_is_told_nothing_either(catalogue: Catalogue) -> None:
    estate = await an_estate(catalogue)
    for method, path in (
        ("GET", EVENTS),
        ("POST", EVENTS),
        ("PATCH", f"{EVENTS}/{estate['draft']['id']}"),
    ):
        for key in ("", f"Bearer {TOKEN}x", "Bearer x"):
            answer = await catalogue.http.request(method, path, headers={"authorization": key})
            assert_refused(answer, 401)
            assert not [value for value in (*SECRETS, *DRAFT) if value in everything(answer)]
