"""Durations as people write them (`1h30m`) and as ISO 8601 has them (`PT1H30M`)."""

import re
from datetime import timedelta

MAX_DURATION = timedelta(days=3653)  # ten years

_SHORT = re.compile(
    r"(?=.)(?:(?P<weeks>\d{1,9})w)?(?:(?P<days>\d{1,9})d)?(?:(?P<hours>\d{1,9})h)?"
    r"(?:(?P<minutes>\d{1,9})m)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,3})?)s)?",
    re.ASCII,
)
_ISO = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?"
    r"(?:(?P<seconds>\d{1,9}(?:\.\d{1,3})?)S)?)?",
    re.ASCII,
)
_PARTS = re.compile(r"(?P<number>\d[\d.]*)\s*(?P<unit>[^\W\d_]+)")
_UNIT_NAMES = ("w", "d", "h", "m", "s")
# Beside the letters themselves in capitals, how people spell the units.
_SPELT = {
    form
    for word in ("week", "day", "hour", "minute", "second", "hr", "min", "sec")
    for form in (word, f"{word}s", word[0])
}
_LONGEST_SHOWN = 40
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


def parse_duration(text: str) -> timedelta:
    """Read `1h30m`, `10m`, `1.5s`, `PT10M` or `P1DT2H`.

    Raises ValueError with a message for the customer.
    Years and months are not durations here: their length depends on the date.
    """
    match = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise ValueError(_what_is_wrong(text))
    try:
        # timedelta sums integers exactly and rounds a fraction of seconds to the microsecond
        duration = timedelta(**{unit: _number(n) for unit, n in match.groupdict("0").items()})
    except OverflowError:
        duration = timedelta.max
    if duration > MAX_DURATION:
        raise ValueError("must be at most ten years")
    return duration


def _what_is_wrong(text: str) -> str:
    """Of a text that is no duration: the part that makes it none, and what to write."""
    if "-" in text:
        return "must not be negative"
    if text.isascii() and text.isdecimal():
        return f'has no unit; write "{text[:9]}s" for seconds or "{text[:9]}m" for minutes'
    parts = _PARTS.finditer(text[:_LONGEST_SHOWN]) if text[:1] != "P" else ()
    for part in parts:
        if part["unit"] not in _UNIT_NAMES:
            return _unknown_unit(part["number"], part["unit"])
        if "." in part["number"] and part["unit"] != "s":
            return f'has a fraction in "{part[0]}"; only seconds may have one, as in "1.5s"'
    return 'must be a duration such as "90s", "1h30m" or "PT10M", the largest unit first'


def _unknown_unit(number: str, unit: str) -> str:
    meant = unit[0].lower()
    if unit.lower().startswith(("y", "mo")):
        way_out = "years and months differ in length, so write days"
    elif unit.lower() in _SPELT and len(number) < 10:
        way_out = f'write "{number}{meant}"'
    elif unit.lower() in ("ms", "millis", "milliseconds"):
        way_out = 'write a fraction of seconds, as "0.5s"'
    else:
        way_out = "the units are w, d, h, m and s"
    return f'has the unknown unit "{unit}"; {way_out}'


def format_duration(duration: timedelta) -> str:
    """Write a positive duration of whole milliseconds in the short form: `1h30m`."""
    rest = duration // timedelta(milliseconds=1)
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        seconds, milliseconds = divmod(rest, 1000)
        fraction = f".{milliseconds:03d}".rstrip("0") if milliseconds else ""
        parts.append(f"{seconds}{fraction}s")
    return "".join(parts)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
