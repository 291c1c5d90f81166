"""The five fields of a cron expression: what callers may write, and what is wrong with it.

Beyond what `cronsim` reads, a range may wrap (`FRI-MON`, `22-2`) and `?` may stand for `*` in a
day field. `plain` writes both in cronsim's grammar, with the same fires.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

DayRule = Literal["either", "both"]
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST = re.compile(r"LW?")
_LAST_WEEKDAY = re.compile(r"[0-7]L")
_NTH_WEEKDAY = re.compile(r"(?P<day>[^#]+)#[1-5]")
_FRACTION = re.compile(r"\d\.|\.\d")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `size` values from `least`; `names` stand for the first ones."""

    name: str
    least: int
    most: int
    size: int
    every: str
    """How a step beyond the field is said without cron, from the step's number."""
    names: tuple[str, ...] = ()
    special: str = ""

    @property
    def values(self) -> str:
        named = f", {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.least}-{self.most}{named}{self.special}"

    def number(self, text: str) -> int:
        """The value of a number or name. Raises ValueError."""
        if text in self.names:
            return self.least + self.names.index(text)
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"is not a value; use {self.values}")
        if len(text) > 4 or not self.least <= int(text) <= self.most:
            raise ValueError(f"is beyond the field; use {self.values}")
        return int(text)


MINUTE = Field("minute", 0, 59, 60, 'use {{"every": "{0}m"}} instead of cron')
HOUR = Field("hour", 0, 23, 24, 'use {{"every": "{0}h"}} instead of cron')
DAY = Field("day of month", 1, 31, 31, 'use {{"every": "{0}d"}} instead of cron', (), " or L")
MONTH = Field("month", 1, 12, 12, "name the months", _MONTHS)
WEEKDAY = Field(
    "day of week", 0, 7, 7, "name the days", _DAYS, " (MON#1: the first Monday, 1L: the last)"
)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def plain(expression: str) -> str:
    """The same five fields for cronsim. Raises ValueError naming each wrong part and a way out."""
    written, problems = [], []
    for field, text in zip(FIELDS, expression.split(), strict=True):
        try:
            written.append(_plain_field(field, text))
        except ValueError as error:
            problems.append(f"{field.name}: {error}")
    if problems:
        raise ValueError("; ".join(problems))
    return " ".join(written)


def day_rule(expression: str) -> DayRule | None:
    """How the two day fields combine: `either` fires, or only `both`; None unless both restrict.

    Debian cron's rule: a field that begins with `*` (as `*/2`) only narrows the other one.
    """
    _, _, day, _, weekday = expression.split()
    if day in ("*", "?") or weekday in ("*", "?"):
        return None
    return "both" if day.startswith("*") or weekday.startswith("*") else "either"


def _plain_field(field: Field, text: str) -> str:
    if not text.isascii():
        raise ValueError(f"has characters that are not ASCII; use {field.values}")
    if text == "?":
        if field not in (DAY, WEEKDAY):
            raise ValueError('"?" belongs in the day fields only; use *')
        return "*"
    terms = text.upper().split(",")
    return ",".join(_named(term, lambda term: _plain_term(field, term)) for term in terms)


def _named(term: str, read: Callable[[str], str]) -> str:
    try:
        return read(term)
    except ValueError as error:
        raise ValueError(f'"{term[:32]}" {error}') from None


def _plain_term(field: Field, term: str) -> str:
    if _FRACTION.search(term):
        raise ValueError(f"has a fraction; use whole numbers, {field.values}")
    if "?" in term:
        raise ValueError("does not go together: ? stands alone in its field")
    if _is_special(field, term):
        return term
    base, slash, step = term.partition("/")
    count = _step(field, step) if slash else 1
    if base == "*":
        return term
    start, dash, end = base.partition("-")
    first = field.number(start)
    if not dash:
        return term
    last = field.number(end)
    return term if first <= last else _wrapped(field, first, last, count)


def _is_special(field: Field, term: str) -> bool:
    """L and LW of a month; the last and the nth of a weekday."""
    if field is DAY:
        return _LAST.fullmatch(term) is not None
    if field is not WEEKDAY:
        return False
    nth = _NTH_WEEKDAY.fullmatch(term)
    if nth:
        field.number(nth["day"])
    return bool(nth or _LAST_WEEKDAY.fullmatch(term))


def _step(field: Field, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not int(text[:9]):
        raise ValueError(f"has no step; after / comes a whole number from 1 to {field.size}")
    if len(text) > 9 or int(text) > field.size:
        way_out = field.every.format(text[:9])
        raise ValueError(f"steps beyond the field, which has {field.size} values; {way_out}")
    return int(text)


def _wrapped(field: Field, first: int, last: int, step: int) -> str:
    """A range that runs over the field's end, as the list of its values."""
    end = field.least + field.size  # Sunday is 0 here, and 7 wherever somebody writes it
    values = [*range(first, end), *range(field.least, last + 1)] if first < end else None
    return ",".join(map(str, (values or list(range(field.least, last + 1)))[::step]))
