"""IANA time zones by name, and the names that were probably meant by others."""

import re
from difflib import SequenceMatcher
from functools import cache, lru_cache
from heapq import nlargest
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_ZONE_LENGTH = 64
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+){0,3}", re.ASCII)
# Files that some systems keep beside the zones: leap-second copies and the machine's own zone.
_NOT_ZONES = ("posix", "right", "localtime", "Factory")
_SUGGESTED = 3
_ALIKE = 0.75
_CLOSE = 0.2
_OFFSET = re.compile(r"(?:UTC|GMT)? ?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?00)?", re.ASCII | re.I)
# Abbreviations are no zones: several places share them, and half of the year they are wrong.
_ABBREVIATIONS = {
    "aest": "Australia/Sydney",
    "bst": "Europe/London",
    "cest": "Europe/Berlin",
    "cst": "America/Chicago",
    "cdt": "America/Chicago",
    "edt": "America/New_York",
    "est": "America/New_York",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "mdt": "America/Denver",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "z": "UTC",
}


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return an IANA zone; ValueError for anything else, before a name can act as a path."""
    known_shape = len(name) <= MAX_ZONE_LENGTH and _ZONE_NAME.fullmatch(name)
    if not known_shape or name.split("/")[0].startswith(_NOT_ZONES):
        raise ValueError("not an IANA time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:  # OSError: "Europe" is a folder
        raise ValueError("not an IANA time zone") from error


def unknown_zone(name: str) -> str:
    """What to say of a name that is no zone, with the ones that were probably meant."""
    offset = _OFFSET.fullmatch(name.strip())
    if offset and int(offset["hours"]) <= 12:
        turned = "-" if offset["sign"] == "+" else "+"  # POSIX counts westwards
        zone = f"Etc/GMT{turned}{int(offset['hours'])}"
        return f'must be an IANA time zone; the fixed offset {name.strip()} is "{zone}"'
    near = nearest_zones(name)
    if not near:
        return 'must be an IANA time zone, such as "Europe/Berlin"'
    return f"must be an IANA time zone; did you mean {' or '.join(near)}?"


def nearest_zones(name: str) -> list[str]:
    """The zones that were probably meant by what is none, most likely first; a few or none."""
    form = _form(name[:MAX_ZONE_LENGTH])
    if form in _ABBREVIATIONS:
        return [_ABBREVIATIONS[form]]
    whole, place = SequenceMatcher(b=form), SequenceMatcher(b=form.rpartition("/")[2])
    likeness: dict[str, float] = {}
    for zone, (full, last) in _forms().items():
        place.set_seq1(last)
        if place.real_quick_ratio() < _ALIKE or place.quick_ratio() < _ALIKE:
            continue
        if place.ratio() >= _ALIKE:
            whole.set_seq1(full)
            likeness[zone] = place.ratio() + whole.ratio()
    best = nlargest(_SUGGESTED, likeness, key=likeness.__getitem__)
    return [zone for zone in best if likeness[zone] >= likeness[best[0]] - _CLOSE]


@cache
def _forms() -> dict[str, tuple[str, str]]:
    """Each zone by its name: in simple form as a whole, and the place alone."""
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return {name: (_form(name), _form(name).rpartition("/")[2]) for name in names}


def _form(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()
