"""Reads a retry policy as customers write it: explicit waits, or an exponential rule."""

from dataclasses import fields
from typing import Any

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import unknown_fields
from triggerfish.domain.retry import (
    MAX_ATTEMPTS,
    MAX_RETRIES,
    MAX_TOTAL_SECONDS,
    Exponential,
    RetryPolicy,
    WhichEndpoint,
)
from triggerfish.domain.whole_number import whole_number

FIELDS = ("delays_seconds", "exponential", "endpoint")
_NOT_VALID = "The retry policy is not valid."
# Field of the rule → the least and the most it may be.
BOUNDS: dict[str, tuple[float, float]] = {
    "initial_seconds": (0.1, MAX_TOTAL_SECONDS),
    "factor": (1, 10),
    "cap_seconds": (0.1, MAX_TOTAL_SECONDS),
    "max_attempts": (1, MAX_ATTEMPTS),
    "jitter": (0, 1),
}


def parse_retry(raw: object) -> RetryPolicy:
    """Read `{"delays_seconds": [5, 30]}` or `{"exponential": {"initial_seconds": 5, …}}`.

    None is the default. Raises InvalidInput naming the wrong fields.
    """
    if raw is None:
        return RetryPolicy()
    if not isinstance(raw, dict):
        raise _invalid("retry", 'must be an object such as {"delays_seconds": [5, 30, 120]}')
    unknown = unknown_fields(raw, FIELDS, of="a retry policy", within="retry")
    if unknown:
        raise InvalidInput(_NOT_VALID, unknown)
    if not raw:
        raise _invalid("retry.delays_seconds", "is required, unless there is exponential")
    endpoint = _endpoint(raw.get("endpoint", WhichEndpoint.ORIGINAL))
    if raw.keys() == {"endpoint"}:
        return RetryPolicy(endpoint=endpoint)
    if "exponential" not in raw:
        return RetryPolicy(_delays(raw.get("delays_seconds")), endpoint=endpoint)
    if "delays_seconds" in raw:
        raise _invalid("retry", "takes either delays_seconds or exponential")
    return RetryPolicy.exponential(_rule(raw["exponential"]), endpoint)


def _endpoint(value: object) -> WhichEndpoint:
    if not isinstance(value, str) or value not in set(WhichEndpoint):
        raise _invalid("retry.endpoint", 'must be "original" or "current"')
    return WhichEndpoint(value)


def _delays(delays: Any) -> tuple[float, ...]:
    if not isinstance(delays, list) or len(delays) > MAX_RETRIES:
        raise _invalid("retry.delays_seconds", f"must be a list of at most {MAX_RETRIES} numbers")
    for index, delay in enumerate(delays):
        if not _is_number(delay) or not delay >= 0:
            raise _invalid(
                f"retry.delays_seconds[{index}]", "must be a number of seconds, 0 or more"
            )
    if sum(delays) > MAX_TOTAL_SECONDS:
        raise _invalid("retry.delays_seconds", "may add up to 46 hours at most")
    return tuple(float(delay) for delay in delays)


def _rule(raw: Any) -> Exponential:
    field = "retry.exponential"
    if not isinstance(raw, dict):
        raise _invalid(field, 'must be an object such as {"initial_seconds": 5, "factor": 2}')
    names = [one.name for one in fields(Exponential)]
    problems = unknown_fields(raw, names, of="an exponential rule", within=field)
    problems += [
        FieldError(f"{field}.{name}", problem)
        for name in names
        if name in raw and (problem := _out_of_bounds(name, raw[name]))
    ]
    if problems:
        raise InvalidInput(_NOT_VALID, tuple(problems))
    rule = Exponential(**{name: _as_given(name, value) for name, value in raw.items()})
    if sum(rule.delays_seconds()) > MAX_TOTAL_SECONDS:
        raise _invalid(field, "the waits may add up to 46 hours at most; lower max_attempts")
    return rule


def _out_of_bounds(name: str, value: object) -> str | None:
    least, most = BOUNDS[name]
    if name == "max_attempts":
        fits = whole_number(value, int(least), int(most)) is not None
    else:
        fits = _is_number(value) and least <= value <= most  # type: ignore[operator]
    kind = "a whole number" if name == "max_attempts" else "a number"
    return None if fits else f"must be {kind} from {least:g} to {most:g}"


def _as_given(name: str, value: Any) -> Any:
    return int(value) if name == "max_attempts" else float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput(_NOT_VALID, (FieldError(field, message),))
