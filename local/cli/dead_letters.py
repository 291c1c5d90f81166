"""The dead-letter queue as its operator sees it: looked at without taking, sent back, emptied."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.message import parse_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOLD_SECONDS = 60
"""For how long a message that is looked at is hidden from others, should nobody let go of it."""
BATCH = 10


@dataclass(frozen=True)
class DeadLetter:
    """One message; `attributes` and `message_attributes` are as SQS gives them."""

    id: str
    body: str
    receipt: str = field(repr=False)
    attributes: Mapping[str, str]
    message_attributes: Mapping[str, Any]
    is_delivery: bool
    """Whether it comes from the queue of deliveries, and so should be a job of an event."""

    @property
    def sent_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.attributes["SentTimestamp"]) / 1000, UTC)

    def events(self) -> tuple[EventRef, ...]:
        """The events that it names. Raises InvalidInput, saying why, if it is about none."""
        try:
            return parse_message(json.loads(self.body))
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"The message is not JSON: {error}.") from None


class DeadLetters:
    """The dead-letter queue at `url`, whose messages come from the queue at `source_url`.

    A receive waits `wait_seconds` for the first message: waiting, SQS asks all of its servers, and
    finding nothing means that there is nothing.
    """

    def __init__(
        self,
        client: "SQSClient",
        *,
        url: str,
        source_url: str,
        are_deliveries: bool = True,
        wait_seconds: int = 1,
    ) -> None:
        self._client = client
        self._url = url
        self._source_url = source_url
        self._are_deliveries = are_deliveries
        self._wait_seconds = wait_seconds

    def look(self, *, limit: int) -> list[DeadLetter]:
        """The messages, at most `limit`; visible to others again at once."""
        with self._held() as letters:
            return list(islice(letters, limit))

    def find(self, message_id: str) -> DeadLetter | None:
        with self._held() as letters:
            return next((letter for letter in letters if letter.id == message_id), None)

    def redrive(self, message_ids: Collection[str] | None) -> list[str]:
        """Send messages (None: all) to the queue they come from; the ids of those sent.

        Each is deleted once it is sent. One that is sent and not deleted, because we were killed
        between the two, is a duplicate, which the event's row makes harmless.
        """
        sent: list[str] = []
        with self._held() as letters:
            for letter in letters:
                if message_ids is None or letter.id in message_ids:
                    self._send_back(letter)
                    sent.append(letter.id)
                if message_ids is not None and len(sent) == len(message_ids):
                    break
        return sent

    def purge(self) -> None:
        """Delete every message. SQS allows this once a minute and takes up to a minute for it."""
        self._client.purge_queue(QueueUrl=self._url)

    def count(self) -> int:
        """How many there are about, those that somebody looks at included."""
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        found = answer["Attributes"]
        hidden = found["ApproximateNumberOfMessagesNotVisible"]
        return int(found["ApproximateNumberOfMessages"]) + int(hidden)

    @contextmanager
    def _held(self) -> Iterator[Iterator[DeadLetter]]:
        """Every message once; those read so far are hidden from others until the block ends."""
        held: dict[str, DeadLetter] = {}

        def read() -> Iterator[DeadLetter]:
            while letters := self._receive():
                fresh = [letter for letter in letters if letter.id not in held]
                held.update((letter.id, letter) for letter in letters)
                if not fresh:  # it took so long that the first are visible again
                    return
                yield from fresh

        try:
            yield read()
        finally:
            self._let_go(list(held.values()))

    def _receive(self) -> list[DeadLetter]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HOLD_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["All"],  # the older name of MessageSystemAttributeNames: all know it
            MessageAttributeNames=["All"],
        )
        return [
            DeadLetter(
                message["MessageId"],
                message["Body"],
                message["ReceiptHandle"],
                dict(message["Attributes"]),  # type: ignore[arg-type]  # their names are text too
                message.get("MessageAttributes", {}),
                self._are_deliveries,
            )
            for message in answer.get("Messages", [])
        ]

    def _send_back(self, letter: DeadLetter) -> None:
        self._client.send_message(
            QueueUrl=self._source_url,
            MessageBody=letter.body,
            MessageAttributes=letter.message_attributes,
        )
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def _let_go(self, letters: Sequence[DeadLetter]) -> None:
        """Make messages visible at once; one that was deleted meanwhile fails alone."""
        for start in range(0, len(letters), BATCH):
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                    for number, letter in enumerate(letters[start : start + BATCH])
                ],
            )
