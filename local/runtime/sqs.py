"""One SQS queue as the poller sees it: receive, delete, release, and make it if it is missing."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from async_sqs import SqsClient, SqsError, SqsRefusal
from local.runtime.batches import Message
from local.runtime.log import get_logger

LARGEST_BATCH = 10  # SQS's limit for one receive and one delete
_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_DELETE_ATTEMPTS = 3
_log = get_logger("poller")

QueueAwayError = SqsError
"""SQS cannot be reached or refuses; trying again later may help."""


class SqsQueue:
    """A queue by name; `definitions` are all queues of the template, made when one is missing."""

    def __init__(
        self, name: str, client: SqsClient, definitions: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.name = name
        self._client, self._definitions = client, definitions
        self._url = ""

    async def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Up to `limit` (at most 10) messages, waiting for the first one. Raises QueueAwayError."""
        try:
            answer = await self._client.call(
                "ReceiveMessage",
                {
                    "QueueUrl": self._url or await self._find(),
                    "MaxNumberOfMessages": limit,
                    "WaitTimeSeconds": wait_seconds,
                    # the older name of MessageSystemAttributeNames: every SQS knows it
                    "AttributeNames": ["All"],
                    "MessageAttributeNames": ["All"],
                },
                wait_seconds=wait_seconds,
            )
        except SqsRefusal as error:
            if error.code not in _MISSING:
                raise
            await self._create_all()
            await self._find()
            return []
        return answer.get("Messages") or []

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete, retrying what failed; what stays after all is logged and will come again."""
        left = list(messages)
        for attempt in range(_DELETE_ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.2 * 2**attempt)
            try:
                left = await self._delete(left)
            except SqsError as error:
                reason = str(error)
            else:
                reason = "refused"
            if not left:
                return
        _log.error("delete_failed", queue=self.name, messages=len(left), reason=reason)

    async def release(self, messages: Sequence[Message]) -> None:
        """Make messages visible again at once; failing that, their visibility timeout does it."""
        try:
            await self._in_batches(
                "ChangeMessageVisibilityBatch", messages, {"VisibilityTimeout": 0}
            )
        except SqsError as error:
            _log.warning("release_failed", queue=self.name, reason=str(error))

    async def _delete(self, messages: Sequence[Message]) -> list[Message]:
        return await self._in_batches("DeleteMessageBatch", messages, {})

    async def _in_batches(
        self, operation: str, messages: Sequence[Message], more: Mapping[str, Any]
    ) -> list[Message]:
        """Do something with each message; those with which it failed."""
        failed: list[Message] = []
        for start in range(0, len(messages), LARGEST_BATCH):
            part = messages[start : start + LARGEST_BATCH]
            entries = [
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"], **more}
                for index, message in enumerate(part)
            ]
            answer = await self._client.call(operation, {"QueueUrl": self._url, "Entries": entries})
            failed += [part[int(failure["Id"])] for failure in answer.get("Failed") or []]
        return failed

    async def _find(self) -> str:
        self._url = await self._url_of(self.name)
        return self._url

    async def _url_of(self, name: str) -> str:
        return str((await self._client.call("GetQueueUrl", {"QueueName": name}))["QueueUrl"])

    async def _create_all(self) -> None:
        for name, attributes in self._definitions.items():
            try:
                await self._url_of(name)
            except SqsRefusal as error:
                if error.code not in _MISSING:
                    raise
                wanted = await self._with_real_target(attributes)
                await self._client.call("CreateQueue", {"QueueName": name, "Attributes": wanted})
                _log.warning("queue_created", queue=name)

    async def _with_real_target(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """With the dead-letter queue's ARN as this SQS has it: the account may differ from ours."""
        if "RedrivePolicy" not in attributes:
            return dict(attributes)
        policy = json.loads(attributes["RedrivePolicy"])
        url = await self._url_of(policy["deadLetterTargetArn"].rsplit(":", 1)[-1])
        answer = await self._client.call(
            "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
        )
        policy["deadLetterTargetArn"] = answer["Attributes"]["QueueArn"]
        return {**attributes, "RedrivePolicy": json.dumps(policy)}
