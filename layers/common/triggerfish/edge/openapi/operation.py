"""An operation as its route carries it: what FastAPI's decorators take, and the rest of OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from triggerfish.domain.idempotency import HEADER, MAX_KEY_CHARACTERS
from triggerfish.edge.http import MAX_BODY_BYTES
from triggerfish.edge.openapi.schema import TEXT, Schema

JSON = "application/json"


@dataclass(frozen=True)
class Body:
    """What is sent: examples by title, and a refusal's message with its details (field: why)."""

    schema: Schema
    examples: Mapping[str, Any]
    message: str
    details: Mapping[str, str]
    required: bool = True
    max_bytes: int = MAX_BODY_BYTES
    media_type: str = JSON
    encoding: Mapping[str, Any] = field(default_factory=dict)
    """Of a multipart body: each part's type and headers, by its name."""

    def described(self) -> dict[str, Any]:
        """The Request Body Object."""
        content = {"schema": self.schema, "examples": examples(self.examples)}
        if self.encoding:
            content["encoding"] = dict(self.encoding)
        return {"required": self.required, "content": {self.media_type: content}}


@dataclass(frozen=True)
class Answer:
    """A success: its meaning, its body (None for none), examples by title, and own headers."""

    description: str
    schema: Schema | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    media_type: str = JSON

    def described(self) -> dict[str, Any]:
        """The Response Object."""
        found: dict[str, Any] = {"description": self.description, "headers": dict(self.headers)}
        if self.schema is not None:
            content = {"schema": self.schema, "examples": examples(self.examples)}
            found["content"] = {self.media_type: content}
        return found


@dataclass(frozen=True)
class Refusal:
    """An error that only this operation has, or says in its own words."""

    status: int
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


KEY: dict[str, dict[str, Any]] = {
    HEADER: {
        "description": "The same key with the same body is carried out once, for 24 h.",
        "schema": {
            "type": "string",
            "pattern": r"^[!-~]+$",
            "minLength": 1,
            "maxLength": MAX_KEY_CHARACTERS,
        },
        "example": "order-43",
    }
}
IF_MATCH: dict[str, dict[str, Any]] = {
    "If-Match": {
        "description": "An `ETag` from before: what was changed since is left, and answered `412`.",
        "schema": TEXT,
        "example": '"5e0d2bb1f7a1c9d4-b1986290e567d21a8ca8ea670298dc0e"',
    }
}
REPLAYED: dict[str, dict[str, Any]] = {
    "Idempotent-Replayed": {
        "description": "The same request came before; this is what it was answered then.",
        "schema": {"const": "true"},
    }
}
LOCATION: dict[str, dict[str, Any]] = {
    "Location": {"description": "The path of what was made.", "required": True, "schema": TEXT}
}
KEY_REFUSALS = (
    Refusal(409, "The first request with this key is still being carried out."),
    Refusal(422, "This Idempotency-Key was used with another body; send a new key."),
    Refusal(
        400,
        "The request is not valid.",
        {HEADER: "must be one value of 1 to 255 visible ASCII characters"},
    ),
)
STALE = Refusal(412, "It has been changed since: its ETag is not one that If-Match names.")


def operation(
    id: str,
    tag: str,
    summary: str,
    answers: Mapping[int, Answer],
    *,
    description: str = "",
    body: Body | None = None,
    headers: Mapping[str, dict[str, Any]] | None = None,
    refusals: tuple[Refusal, ...] = (),
    keyed: bool = False,
    matched: bool = False,
) -> dict[str, Any]:
    """What to pass to `app.get` and its like; `document` reads it back from the route.

    `headers` are those of the request, by name: schema, description and example. A `keyed` call is
    carried out once for an idempotency key, a `matched` one only as long as `If-Match` holds.
    """
    if keyed:
        answers = {
            status: replace(one, headers={**one.headers, **REPLAYED})
            for status, one in answers.items()
        }
        refusals = (*refusals, *KEY_REFUSALS)
    if 201 in answers:
        made = answers[201]
        answers = {**answers, 201: replace(made, headers={**made.headers, **LOCATION})}
    if matched:
        refusals = (*refusals, STALE)
    headers = {**(headers or {}), **(KEY if keyed else {}), **(IF_MATCH if matched else {})}
    return {
        "operation_id": id,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "openapi_extra": {
            "answers": answers,
            "body": body,
            "headers": headers,
            "refusals": refusals,
        },
    }


def examples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Titled values as OpenAPI has them: a map of Example Objects."""
    return {
        title.lower().replace(" ", "-"): {"summary": title, "value": value}
        for title, value in values.items()
    }
