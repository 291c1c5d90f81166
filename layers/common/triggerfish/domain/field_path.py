"""How a place in a JSON document is named in errors: `items[0].price`."""

from collections.abc import Iterable

_LONGEST_NAME = 100


def field_path(tokens: Iterable[str | int], *, root: str) -> str:
    """Join keys (shortened if huge) with dots, indexes in brackets; `root` if there are none."""
    path = ""
    for token in tokens:
        if isinstance(token, int):
            path = f"{path or root}[{token}]"
        else:
            name = token[:_LONGEST_NAME].replace("\0", "\\u0000")
            path = f"{path}.{name}" if path else name
    return path or root
