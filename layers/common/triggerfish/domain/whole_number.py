"""Whole numbers as JSON has them: 5 and 5.0 are the same, as JSON Schema says, and true is none."""


def whole_number(value: object, least: int, most: int) -> int | None:
    """The number, None for what is not a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not least <= value <= most or value != int(value):  # NaN is in no range
        return None
    return int(value)
