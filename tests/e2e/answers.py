"""Compares an answer with how a document shows it.

The document may leave out parts with `…`, between values or within a text. What differs from run
to run (ids, times, secrets, numbers) has to be of the same kind, everything else the same.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

ELISION = "…"
KINDS = (
    ("<webhook URL>", r"https?://[^/\s]+/api/v1/webhook/[\w-]+"),
    ("<address>", r"\b(localhost|127\.0\.0\.1):\d+"),
    ("<id>", r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b"),
    ("<time>", r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    ("<signing secret>", r"\bwhsec_[A-Za-z0-9+/]{20,}=*"),
    ("<key>", r"\btf_[A-Za-z0-9]{12}_[A-Za-z0-9]{20,}\b"),
    ("<key prefix>", r"\btf_[A-Za-z0-9]{12}\b"),
)
PART = re.compile(r'"(?:[^"\\]|\\.)*"|…|[{}\[\],]|[^\s"…{}\[\],]+', re.DOTALL)


def differences(shown: str, answer: str) -> list[str]:
    """In what the answer is not as shown, a line each; nothing if it is.

    Shown and answer may begin with a status line and headers; then those shown are compared too.
    """
    heads, body = _split(shown)
    if not heads:
        return list(_of_body(body, answer))
    real_heads, _, real_body = answer.replace("\r\n", "\n").partition("\n\n")
    return [*_of_lines(heads, real_heads.splitlines()), *_of_body(body, real_body)]


def _split(shown: str) -> tuple[list[str], str]:
    """The status line with headers that the text begins with, if it does, and what follows."""
    lines = shown.splitlines()
    if not shown.startswith("HTTP/"):
        return [], shown
    length = next((n for n, line in enumerate(lines) if line[:1] in "{["), len(lines))
    return lines[:length], "\n".join(lines[length:])


def _of_body(shown: str, answer: str) -> Iterator[str]:
    if shown[:1] in ("{", "["):
        return _of_values(json.loads(_without_gaps(shown), strict=False), json.loads(answer), "$")
    if shown:
        return _of_lines(shown.splitlines(), answer.splitlines())
    return iter([f"there is an answer: {answer[:200]}"] if answer.strip() else [])


def _of_lines(shown: Sequence[str], answer: Sequence[str]) -> Iterator[str]:
    """Every line shown is in the answer, up to numbers."""
    for line in shown:
        if line.strip() in ("", ELISION):
            continue
        if not any(_alike(_numberless(line), _numberless(real)) for real in answer):
            yield f"there is no line {line!r}"


def _numberless(line: str) -> str:
    name, _, value = line.rpartition(" ")
    return f"{name} 0" if re.fullmatch(r"[\d.e+-]+", value) else line


def _of_values(shown: Any, real: Any, where: str) -> Iterator[str]:
    if _kind(shown) != _kind(real):
        yield f"{where} is {real!r}, shown as {shown!r}"
    elif isinstance(shown, dict):
        yield from _of_objects(shown, real, where)
    elif isinstance(shown, list):
        yield from _of_lists(shown, real, where)
    elif isinstance(shown, str) and not _alike(shown, real):
        yield f"{where} is {real!r}, shown as {shown!r}"
    elif isinstance(shown, bool) and shown != real:
        yield f"{where} is {real}, shown as {shown}"


def _kind(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def _of_objects(shown: dict[str, Any], real: dict[str, Any], where: str) -> Iterator[str]:
    whole = ELISION not in shown
    named = shown.keys() - {ELISION}
    yield from (f"{where} has no {name!r}" for name in sorted(named - real.keys()))
    if whole:
        yield from (f"{where}.{name} is not shown" for name in sorted(real.keys() - named))
    for name in sorted(named & real.keys()):
        yield from _of_values(shown[name], real[name], f"{where}.{name}")


def _of_lists(shown: list[Any], real: list[Any], where: str) -> Iterator[str]:
    items = [item for item in shown if item != ELISION]
    if len(real) < len(items) or (len(real) > len(items) and ELISION not in shown):
        yield f"{where} has {len(real)} items, shown are {len(items)}"
    for n, (item, found) in enumerate(zip(items, real, strict=False)):
        yield from _of_values(item, found, f"{where}[{n}]")


def _alike(shown: str, real: str) -> bool:
    """The same text but for what differs from run to run; `…` stands for anything."""
    return _fits(shown, real) or _fits(_typical(shown), _typical(real))


def _fits(shown: str, real: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.split(ELISION)))
    return re.fullmatch(pattern, real, re.DOTALL) is not None


def _typical(text: str) -> str:
    for name, kind in KINDS:
        text = re.sub(kind, name, text)
    return " ".join(text.split())


def _without_gaps(shown: str) -> str:
    """The JSON with its elisions as JSON: a bare `…` becomes the member `"…": 0` or item `"…"`."""
    opened: list[str] = []
    out: list[str] = []
    for part in PART.findall(shown):
        if part == ELISION:
            _comma(out)
            out += ['"…":0' if opened[-1] == "{" else '"…"', ","]
        elif part == ",":
            _comma(out)
        elif part in ("}", "]"):
            opened.pop()
            out[-1:] = [part] if out[-1] == "," else [out[-1], part]
        else:
            opened += [part] if part in ("{", "[") else []
            out.append(part)
    return "".join(out)


def _comma(out: list[str]) -> None:
    """One comma, unless there is one or nothing to divide."""
    if out[-1] not in ("{", "[", ","):
        out.append(",")
