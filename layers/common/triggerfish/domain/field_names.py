"""Names of fields as callers write them: shown safely, and a word about those we do not know."""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

from triggerfish.domain.errors import FieldError

REQUIRED = "is required"
MAX_UNKNOWN_NAMED = 10  # a guess costs about 0.1 ms
MAX_KNOWN_NAMED = 12
_LONGEST_NAME = 64
# Other platforms' words for what is another word here.
_SYNONYMS = {
    "tz": "timezone",
    "time_zone": "timezone",
    "zone": "timezone",
    "expression": "cron",
    "cron_expression": "cron",
    "crontab": "cron",
    "rate": "rate_per_second",
    "interval": "every",
    "run_at": "at",
    "delay": "in",
    "uri": "url",
    "callback_url": "url",
    "webhook_url": "url",
    "target": "endpoint",
    "destination": "endpoint",
    "timeout": "timeout_seconds",
    "body": "payload",
    "data": "payload",
    "input": "payload",
    "json_schema": "schema",
    "retries": "retry",
    "retry_policy": "retry",
    "kind": "type",
    "title": "name",
    "expires": "expires_in",
    "permissions": "scopes",
    "page_size": "limit",
    "per_page": "limit",
    "after": "cursor",
    "since": "from",
    "until": "to",
}


def shown(name: object) -> str:
    """A name from outside, safe to store and to print: escaped where need be, and cut."""
    if not isinstance(name, str):
        return "?"
    return (name if name.isprintable() else ascii(name)[1:-1])[:_LONGEST_NAME]


def unknown_fields(
    given: Iterable[object], known: Collection[str], *, of: str, within: str = ""
) -> list[FieldError]:
    """An error for each name that is not `known`, with the one that was probably meant.

    `known` may also name places further inside, as `schedule.cron`: those are guesses only.
    `of` is what the fields belong to, `within` its own path.
    """
    unknown = sorted(shown(name) for name in given if name not in known or "." in str(name))
    path = f"{within}." if within else ""
    return [
        FieldError(f"{path}{name}", f"is not a field of {of}{_way_out(name, known)}")
        for name in islice(unknown, MAX_UNKNOWN_NAMED)
    ]


def _way_out(name: str, known: Collection[str]) -> str:
    meant = nearest(name, known)
    if meant:
        return f"; did you mean {meant}?"
    direct = sorted(one for one in known if "." not in one)
    return f"; its fields are {', '.join(direct)}" if len(direct) <= MAX_KNOWN_NAMED else ""


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that was probably meant by another spelling or a usual synonym."""
    by_form: dict[str, str] = {}
    for one in sorted(known, key=lambda one: ("." in one, one)):
        by_form.setdefault(_form(one.rpartition(".")[2]), one)
    form = _form(name)
    if form in by_form:
        return by_form[form]
    meant = {_form(other): own for other, own in _SYNONYMS.items()}.get(form)
    if meant and _form(meant) in by_form:
        return by_form[_form(meant)]
    longer = [one for other, one in by_form.items() if len(form) > 2 and other.startswith(form)]
    if len(longer) == 1:
        return longer[0]
    close = get_close_matches(form, by_form, n=1, cutoff=0.75)
    return by_form[close[0]] if close else None


def _form(name: str) -> str:
    """`maxFires`, `max-fires` and `Max_Fires` are one: letters and digits in lower case."""
    return re.sub(r"[\W_]+", "", name[:_LONGEST_NAME]).lower()
