"""JSON Schemas of API triggers: what is accepted as a schema, and what a payload violates.

jsonschema-rs validates (offline, linear-time patterns, values masked); python `jsonschema` only
explains what is wrong with a schema itself, because it names the wrong keyword better.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import best_match

from triggerfish.domain.error_effort import (
    ALL_ERRORS_BUDGET,
    FIRST_ERROR_BUDGET,
    ErrorEffort,
    listing_effort,
    schema_error_effort,
)
from triggerfish.domain.errors import FieldError
from triggerfish.domain.field_path import field_path
from triggerfish.domain.schema_cost import weight
from triggerfish.domain.schema_gate import DRAFT_07, Gate, inspect, refuse
from triggerfish.domain.schema_patterns import largest_pattern, options, with_bounded_texts
from triggerfish.domain.schema_words import violated, wrong_keyword
from triggerfish.domain.validation_effort import (
    BUDGET,
    Effort,
    payload_effort,
    schema_effort,
)

MAX_VIOLATIONS = 20
# Python's `jsonschema` takes about a millisecond a node, so it explains small schemas only.
EXPLAINED_NODES = 100

_MASK = "[value]"

Kind = jsonschema_rs.ValidationErrorKind


@dataclass(frozen=True, slots=True)
class Validator:
    """A compiled schema, and what its verdict and its errors may cost."""

    compiled: jsonschema_rs.Validator
    effort: Effort
    errors: ErrorEffort


def check_schema(schema: object) -> None:
    """Refuse, with InvalidInput naming `schema...`, what is not a schema or not safe to run."""
    compile_schema(schema)


def compile_schema(schema: object) -> Validator:
    """Return a reusable validator of an accepted schema; InvalidInput as `check_schema`."""
    gate = inspect(schema)
    _check_meta_schema(gate)
    schema_weight, pattern_bytes = weight(gate), largest_pattern(gate)
    try:
        compiled = _compile(with_bounded_texts(gate, pattern_bytes))
    except jsonschema_rs.ValidationError:
        compiled = _compile_as_given(gate)
    effort = schema_effort(gate, schema_weight, pattern_bytes)
    return Validator(compiled, effort, schema_error_effort(gate, schema_weight))


def _compile(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema,
        offline=True,
        pattern_options=options(),
        mask=_MASK,
        validate_formats=True,
        ignore_unknown_formats=True,
    )


def _compile_as_given(gate: Gate) -> jsonschema_rs.Validator:
    """What was refused, once more without our changes, so that the error names its place."""
    try:
        return _compile(gate.root)
    except jsonschema_rs.ValidationError as error:
        raise _refuse_uncompiled(error) from error


def violations(
    validator: Validator, payload: object, limit: int = MAX_VIOLATIONS
) -> tuple[FieldError, ...]:
    """Return what the payload (from `parse_payload`) violates, at most `limit`; empty if valid.

    Messages never contain values of the payload. A large payload under a heavy schema gets its
    first violation only, or just the verdict, or is refused unseen: no payload takes 0.1 s.
    """
    effort = 0 if validator.effort.is_light else payload_effort(payload, validator.effort)
    if effort > BUDGET:
        return (FieldError("payload", "is too large for a schema as costly as this"),)
    if validator.compiled.is_valid(payload):
        return ()
    listing = listing_effort(payload, validator.errors)
    is_nested = listing > FIRST_ERROR_BUDGET and validator.errors.has_alternatives
    if effort > BUDGET // 2 or is_nested:
        return (FieldError("payload", "does not match the schema"),)
    is_listed = listing <= ALL_ERRORS_BUDGET
    errors = validator.compiled.iter_errors(payload) if is_listed else _first(validator, payload)
    return _distinct(errors, limit)


def _distinct(
    errors: Iterable[jsonschema_rs.ValidationError], limit: int
) -> tuple[FieldError, ...]:
    found: dict[FieldError, None] = {}
    for violation in (violation for error in errors for violation in _describe(error, limit)):
        found[violation] = None
        if len(found) == limit:
            break
    return tuple(found)


def _check_meta_schema(gate: Gate) -> None:
    schema = gate.root
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        if gate.nodes > EXPLAINED_NODES:
            path = tuple(map(str, error.instance_path))
            raise refuse(path, wrong_keyword(path)) from error
        _explain(schema)


def _explain(schema: dict[str, Any]) -> None:
    draft = Draft202012Validator
    if str(schema.get("$schema", "")).removesuffix("#") == DRAFT_07:
        draft = Draft7Validator
    error = best_match(draft(draft.META_SCHEMA).iter_errors(schema))
    if error is not None:
        path = tuple(map(str, error.absolute_path))
        raise refuse(path, wrong_keyword(path))


def _refuse_uncompiled(error: jsonschema_rs.ValidationError) -> Exception:
    path = tuple(map(str, error.instance_path))
    if "pattern" in path or "patternProperties" in path:
        return refuse(path, "must be a regex without look-around, back-references or huge repeats")
    return refuse(path, wrong_keyword(path))


def _first(validator: Validator, payload: object) -> Iterable[jsonschema_rs.ValidationError]:
    try:
        validator.compiled.validate(payload)
    except jsonschema_rs.ValidationError as error:
        return (error.with_traceback(None),)  # it would keep the payload until a collection
    return ()


def _describe(error: jsonschema_rs.ValidationError, limit: int) -> Iterable[FieldError]:
    """One violation, or one for each unexpected field that the error stands for."""
    path = error.instance_path
    match error.kind:
        case Kind.Required(name):
            return (FieldError(_field([*path, str(name)]), "is required"),)
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            return [FieldError(_field([*path, name]), "is not allowed") for name in names[:limit]]
        case Kind.PropertyNames():
            return (FieldError(_field(path), "has a field whose name is not allowed"),)
    return (FieldError(_field(path), violated(error.kind)),)


def _field(path: Iterable[str | int]) -> str:
    return field_path(path, root="payload")
