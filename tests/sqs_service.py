"""A stand-in for `SqsClient`: takes what it is told to take, and keeps the calls."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from async_sqs import SqsClient

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


class SqsService:
    """Answers each operation by a function of its parameters, which may raise SqsError."""

    def __init__(self, **answers: Answer) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._answers = answers

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, wait_seconds: float = 0.0
    ) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        return self._answers[operation](parameters)

    async def close(self) -> None:
        pass

    @property
    def client(self) -> SqsClient:
        return cast(SqsClient, self)
