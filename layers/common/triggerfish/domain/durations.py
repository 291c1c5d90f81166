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
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


def parse_duration(text: str) -> timedelta:
    """Read `1h30m`, `10m`, `1.5s`, `PT10M` or `P1DT2H`; ValueError if it is none or over ten years.

    Years and months are not durations here: their length depends on the date.
    """
    match = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise ValueError("not a duration")
    try:
        # timedelta sums integers exactly and rounds a fraction of seconds to the microsecond
        duration = timedelta(**{unit: _number(n) for unit, n in match.groupdict("0").items()})
    except OverflowError as error:
        raise ValueError("longer than ten years") from error
    if duration > MAX_DURATION:
        raise ValueError("longer than ten years")
    return duration


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
