"""The event catalogue on a running platform: from a draft to the public, told once, in words."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Note
from tests.e2e.platform import Platform, platform
from tests.e2e.waiting import until
from tests.factories import a_catalogue_event

TOKEN = "the-token-of-the-team-0123456789abcdef"
TEAM = {"authorization": f"Bearer {TOKEN}"}
DELAY_MS = 60
READERS = 200
SETTINGS = {
    "CATALOGUE_ADMIN_TOKEN": TOKEN,
    "CATALOGUE_SUMMARY_DELAY_MS": str(DELAY_MS),
    "CATALOGUE_SWEEP_SECONDS": "1",
}


@pytest.fixture(scope="module")
def one() -> Iterator[Platform]:
    with platform(SETTINGS) as one:
        yield one


@pytest.fixture
def http(one: Platform) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=one.url, timeout=60) as client:
        yield client


def create(http: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = http.post("/events", json=a_catalogue_event(**changes), headers=TEAM)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def change(http: httpx.Client, event: dict[str, Any], **changes: Any) -> httpx.Response:
    return http.patch(f"/events/{event['id']}", json=changes, headers=TEAM)


def lines(one: Platform, event: str, **fields: Any) -> list[dict[str, Any]]:
    """Lines of that event with these fields in any log of the platform."""
    found = []
    for path in (one.state_dir / "logs").glob("*.log"):
        for text in path.read_text(errors="replace").splitlines():
            if f'"event":"{event}"' in text:
                line = json.loads(text[text.index("{") :])
                if fields.items() <= line.items():
                    found.append(line)
    return found


def told(one: Platform, event: dict[str, Any]) -> list[str]:
    found = lines(one, "catalogue_notification", event_id=event["id"])
    return sorted(line["text"] for line in found)


@pytest.mark.queue
def test_an_event_goes_from_draft_to_public_to_cancelled_and_each_is_told_once(
    one: Platform, http: httpx.Client
) -> None:
    event = create(http, title="First", location="Lisbon")
    mine = f"/public/events/{event['id']}"
    assert http.get(mine).status_code == 404
    assert http.get("/public/events?locations=lisb").json()["pagination"]["total"] == 0
    assert change(http, event, status="PUBLISHED").status_code == 200
    [seen] = http.get("/public/events?locations=lisb").json()["events"]
    assert seen == http.get(mine).json()
    assert change(http, event, status="CANCELLED").status_code == 200
    assert http.get(mine).json() == seen | {"status": "CANCELLED"}
    assert change(http, event, status="PUBLISHED").status_code == 409
    expected = ["Event cancelled: First", "Event published: First", "New event created: First"]
    until(lambda: told(one, event) == expected, 120, what="three notifications")
    repeat_every_message(one)
    assert told(one, event) == expected


def repeat_every_message(one: Platform) -> None:
    """Send the messages of all that was told again, twice, and wait until they are worked off."""
    url = one.notifications_url()
    for line in lines(one, "catalogue_notification"):
        body = json.dumps({"v": 1, "notification_id": line["notification_id"]})
        for _ in range(2):
            one.sqs.send_message(QueueUrl=url, MessageBody=body)

    def is_empty() -> bool:
        answer = one.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        depth = answer["Attributes"]
        waiting = int(depth["ApproximateNumberOfMessages"])
        return waiting + int(depth["ApproximateNumberOfMessagesNotVisible"]) == 0

    until(is_empty, 120, what="the repeated messages to be worked off")


def test_a_change_while_the_queue_is_away_is_told_once_when_it_is_back(
    one: Platform, http: httpx.Client
) -> None:
    killed = one.kill("broker")
    event = create(http, title="Queueless")
    until(lambda: told(one, event), 180, what="the notification")
    assert one.is_restarted("broker", killed)
    assert told(one, event) == ["New event created: Queueless"]


@pytest.mark.parametrize("key", ["", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}"])
def test_nobody_manages_events_without_the_token_or_a_key(http: httpx.Client, key: str) -> None:
    event = create(http)
    for method, path in (
        ("POST", "/events"),
        ("GET", "/events"),
        ("PATCH", f"/events/{event['id']}"),
    ):
        answer = http.request(method, path, headers={"authorization": key})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "UNAUTHORISED"


def test_the_bootstrap_key_manages_events_as_well(one: Platform, http: httpx.Client) -> None:
    team = {"authorization": f"Bearer {one.api_key}"}
    assert http.get("/events", headers=team).status_code == 200
    assert http.post("/events", json={}, headers=team).status_code == 400


@dataclass(frozen=True)
class Stream:
    """A summary as it came: its pieces with their times, after the request was sent."""

    headers: httpx.Headers
    pieces: list[str]
    came: list[float]

    @property
    def whole(self) -> float:
        return self.came[-1]


def read_summary(http: httpx.Client, event: dict[str, Any]) -> Stream:
    began = time.monotonic()
    pieces: list[str] = []
    came: list[float] = []
    with http.stream("GET", f"/public/events/{event['id']}/summary") as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data: "):
                came.append(time.monotonic() - began)
                pieces.append(line.removeprefix("data: "))
    return Stream(answer.headers, pieces, came)


def test_a_summary_comes_in_pieces_with_a_delay_between_them(
    http: httpx.Client, note: Note
) -> None:
    event = create(http, status="PUBLISHED")
    first = read_summary(http, event)
    assert first.headers["content-type"].startswith("text/event-stream")
    assert first.headers["x-summary-cache"] == "MISS"
    assert "no-store" in first.headers["cache-control"]
    assert 50 <= len("".join(first.pieces).split()) <= 100
    assert all(2 <= len(piece.split()) <= 5 for piece in first.pieces)
    assert first.whole >= (len(first.pieces) - 1) * DELAY_MS / 1000
    # Nothing is gathered on the way; only this test may sleep through a first piece.
    again = until(lambda: came_bit_by_bit(read_summary(http, event)), 60, what="a stream")
    assert again.headers["x-summary-cache"] == "HIT"
    assert again.pieces == first.pieces
    note(f"{len(again.pieces)} pieces {DELAY_MS} ms apart: streamed in {again.whole:.2f} s")
    assert http.get(f"/public/events/{create(http)['id']}/summary").status_code == 404


def came_bit_by_bit(stream: Stream) -> Stream | None:
    """The stream if its first piece was there before half of its time was over."""
    return stream if stream.came[0] < stream.whole / 2 else None


async def test_200_readers_at_once_have_a_summary_made_once(one: Platform, note: Note) -> None:
    with httpx.Client(base_url=one.url, timeout=60) as team:
        event = create(team, title="Crowded", status="PUBLISHED")
    limits = httpx.Limits(max_connections=READERS)
    async with httpx.AsyncClient(base_url=one.url, timeout=120, limits=limits) as http:
        began = time.monotonic()
        path = f"/public/events/{event['id']}/summary"
        answers = await asyncio.gather(*(http.get(path) for _ in range(READERS)))
        seconds = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    caches = [answer.headers["x-summary-cache"] for answer in answers]
    assert caches.count("MISS") == 1
    looked_up = lines(one, "summary_looked_up", event_id=event["id"])
    assert [line["cache"] for line in looked_up].count("MISS") == 1
    assert len(looked_up) == READERS
    note(f"{READERS} readers of a new summary: one made it, all had it after {seconds:.2f} s")


def test_a_reader_who_goes_away_ends_the_stream(one: Platform, http: httpx.Client) -> None:
    event = create(http, status="PUBLISHED")
    with http.stream("GET", f"/public/events/{event['id']}/summary") as answer:
        assert next(line for line in answer.iter_lines() if line.startswith("data: "))
    fields = {"event_id": event["id"], "abandoned": True}
    [line] = until(lambda: lines(one, "summary_streamed", **fields), 60, what="the end of it")
    assert line["sent"] < line["of"]
