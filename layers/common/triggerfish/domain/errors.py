"""The error tree: what can go wrong, named by its remedy."""

from dataclasses import dataclass


class TriggerfishError(Exception):
    """The root of every error this product raises on purpose."""


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong: its dotted path and what to change."""

    field: str
    message: str


class InvalidInput(TriggerfishError):
    """The caller must change the input; `details` name the fields."""

    def __init__(self, message: str, details: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
