"""An operation as its route carries it: what FastAPI's decorators take, and the rest of OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triggerfish.edge.http import MAX_BODY_BYTES
from triggerfish.edge.openapi.schema import Schema

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
) -> dict[str, Any]:
    """What to pass to `app.get` and its like; `document` reads it back from the route.

    `headers` are those of the request, by name: schema, description and example.
    """
    return {
        "operation_id": id,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "openapi_extra": {
            "answers": answers,
            "body": body,
            "headers": headers or {},
            "refusals": refusals,
        },
    }


def examples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Titled values as OpenAPI has them: a map of Example Objects."""
    return {
        title.lower().replace(" ", "-"): {"summary": title, "value": value}
        for title, value in values.items()
    }
