"""What schemathesis loads: sources of valid values, and requests about things that exist.

Without the latter every answer would be 404 and nothing behind it tried. Ill-formed ids stay.
"""

import os
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from tests.integration.fuzz import formats
from tests.integration.fuzz.platform import URL, Platform
from tests.integration.fuzz.rules import (
    days_are_in_their_order,
    mend,
    one_of_state_and_view_is_given,
)
from triggerfish.domain.idempotency import HEADER

formats.register()
PLATFORM = Platform(os.environ[URL])
# Reading changes nothing, so one of each is enough for it.
READ = {
    "trigger_id": str(PLATFORM.trigger(api=False)["id"]),
    "event_id": PLATFORM.event(),
    "job_id": PLATFORM.finished_job(),
}


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: Any
) -> None:
    """Give well-formed ids a meaning, and a valid body the rules among its fields."""
    assert case.meta is not None
    if isinstance(case.body, dict) and not case.meta.is_negative_at(ParameterLocation.BODY):
        mend(case.body)
    if not case.meta.is_negative_at(ParameterLocation.QUERY):
        days_are_in_their_order(case.query or {})
        one_of_state_and_view_is_given(case.query or {})
        if "on_complete" in (case.query or {}):
            case.query["on_complete"] = PLATFORM.trigger(api=True)["id"]
    if not case.meta.is_negative_at(ParameterLocation.HEADER):
        case.headers.pop("If-Match", None)  # what it names would have to be the present state
        if HEADER in case.headers:
            case.headers[HEADER] = str(uuid4())  # of another body it would be refused
    if not _has_an_id(case) and not case.meta.is_negative_at(ParameterLocation.PATH):
        for name in case.path_parameters:
            case.path_parameters[name] = _thing(name, case)


def _has_an_id(case: schemathesis.Case[Any]) -> bool:
    """Whether it follows an earlier answer; but a body may ask for a trigger of another type."""
    assert case.meta is not None
    of_a_type = case.method == "PATCH" or case.path.endswith("test-run")
    return case.meta.phase.name is TestPhase.STATEFUL and not of_a_type


def _thing(name: str, case: schemathesis.Case[Any]) -> str:
    match name:
        case "trigger_id" | "event_id" | "job_id" if case.method == "GET":
            return READ[name]
        case "trigger_id":
            return str(PLATFORM.trigger(api=_needs_webhook(case))["id"])
        case "token":
            return str(PLATFORM.trigger(api=True)["webhook_url"].rpartition("/")[2])
        case "event_id":
            return PLATFORM.event()
        case "job_id":
            return PLATFORM.job()
        case "key_id":
            return str(PLATFORM.key()["id"])
        case "id":
            return PLATFORM.catalogue_event("DRAFT" if case.method == "PATCH" else "PUBLISHED")
    return str(case.path_parameters[name])


def _needs_webhook(case: schemathesis.Case[Any]) -> bool:
    """Whether the request is one for API triggers only."""
    body: Any = case.body if isinstance(case.body, dict) else {}
    if body.get("type") == "api" or not {"schema", "verification"}.isdisjoint(body):
        return True
    return case.path.endswith("rotate-url") or ("payload" in body and "test" in case.path)
