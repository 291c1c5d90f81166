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
    payload_size,
    schema_effort,
)

MAX_VIOLATIONS = 20
# Errors cost 3-40 µs each and jsonschema-rs makes all of them, or all that explain a failed anyOf
# or oneOf, at once. Their number is at most the payload's values times the weight: above the first
# budget only the first error is asked for, above the second (anyOf, oneOf) only the verdict.
ALL_ERRORS_BUDGET = 5_000
FIRST_ERROR_BUDGET = 20_000
# Python's `jsonschema` takes about a millisecond a node, so it explains small schemas only.
EXPLAINED_NODES = 100

_MASK = "[value]"

Kind = jsonschema_rs.ValidationErrorKind


@dataclass(frozen=True, slots=True)
class Validator:
    """A compiled schema, its weight (see `schema_cost`), and whether it has anyOf or oneOf."""

    compiled: jsonschema_rs.Validator
    weight: int
    effort: Effort
    has_alternatives: bool


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
    return Validator(compiled, schema_weight, effort, _has_alternatives(gate))


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

    Messages never contain values of the payload. A very large payload under a heavy schema gets
    its first violation only, or just the verdict, or is refused unseen: the time stays below
    about 0.1 s.
    """
    effort = 0 if validator.effort.is_light else payload_effort(payload, validator.effort)
    if effort > BUDGET:
        return (FieldError("payload", "is too large for a schema as costly as this"),)
    if validator.compiled.is_valid(payload):
        return ()
    cost = validator.weight * payload_size(payload, FIRST_ERROR_BUDGET)
    if effort > BUDGET // 2 or (cost > FIRST_ERROR_BUDGET and validator.has_alternatives):
        return (FieldError("payload", "does not match the schema"),)
    all_errors = cost <= ALL_ERRORS_BUDGET
    errors = validator.compiled.iter_errors(payload) if all_errors else _first(validator, payload)
    found = {violation: None for error in errors for violation in _describe(error)}
    return tuple(list(found)[:limit])


def _has_alternatives(gate: Gate) -> bool:
    return any(
        isinstance(schema, dict) and ("anyOf" in schema or "oneOf" in schema)
        for schema in gate.schemas.values()
    )


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
        return (error,)
    return ()


def _describe(error: jsonschema_rs.ValidationError) -> Iterable[FieldError]:
    """One violation, or one for each missing or unexpected field that the error stands for."""
    path = error.instance_path
    match error.kind:
        case Kind.Required(name):
            return (FieldError(_field([*path, str(name)]), "is required"),)
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            return [FieldError(_field([*path, name]), "is not allowed") for name in names]
        case Kind.PropertyNames():
            return (FieldError(_field(path), "has a field whose name is not allowed"),)
    return (FieldError(_field(path), violated(error.kind)),)


def _field(path: Iterable[str | int]) -> str:
    return field_path(path, root="payload")
