"""One SQS queue as the poller sees it: receive, delete, release. boto3's calls run in threads."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.runtime.batches import Message
from local.runtime.log import get_logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

T = TypeVar("T")
LARGEST_BATCH = 10  # SQS's limit for one receive and one delete
_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_DELETE_ATTEMPTS = 3
_log = get_logger("poller")


class QueueAwayError(Exception):
    """SQS cannot be reached or refuses; trying again later may help."""


def connect(connections: int) -> "SQSClient":
    """A client for AWS_ENDPOINT_URL_SQS.

    It neither validates parameters (half of a call's CPU) nor retries: callers do.
    """
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        max_pool_connections=connections,
        connect_timeout=3,
        read_timeout=30,
    )
    return boto3.client("sqs", config=config)


class SqsQueue:
    """`definitions`: the template's queues, all made when this one is missing."""

    def __init__(
        self,
        name: str,
        client: "SQSClient",
        threads: Executor,
        definitions: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.name = name
        self._client, self._threads, self._definitions = client, threads, definitions
        self._url = ""

    async def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Up to `limit` (at most 10) messages, waiting for the first one. Raises QueueAwayError."""
        return await self._in_thread(self._receive, limit, wait_seconds)

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete, retrying what failed; what stays after all is logged and will come again."""
        left = list(messages)
        for attempt in range(_DELETE_ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.2 * 2**attempt)
            try:
                left = await self._in_thread(self._delete, left)
            except QueueAwayError as error:
                reason = str(error)
            else:
                reason = "refused"
            if not left:
                return
        _log.error("delete_failed", queue=self.name, messages=len(left), reason=reason)

    async def release(self, messages: Sequence[Message]) -> None:
        """Make messages visible again at once; failing that, their visibility timeout does it."""
        try:
            await self._in_thread(self._release, messages)
        except QueueAwayError as error:
            _log.warning("release_failed", queue=self.name, reason=str(error))

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: _translated(call, *arguments))

    def _receive(self, limit: int, wait_seconds: int) -> list[Message]:
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url or self._find(),
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_seconds,
                AttributeNames=[
                    "All"
                ],  # the older name of MessageSystemAttributeNames: every SQS knows it
                MessageAttributeNames=["All"],
            )
        except ClientError as error:
            if not _is_missing(error):
                raise
            self._create_all()
            self._find()
            return []
        return answer.get("Messages") or []  # type: ignore[return-value]  # a TypedDict is a Mapping

    def _delete(self, messages: Sequence[Message]) -> list[Message]:
        left: list[Message] = []
        for start in range(0, len(messages), LARGEST_BATCH):
            part = messages[start : start + LARGEST_BATCH]
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(part)
                ],
            )
            left += [part[int(failure["Id"])] for failure in answer.get("Failed") or []]
        return left

    def _release(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), LARGEST_BATCH):
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(index),
                        "ReceiptHandle": message["ReceiptHandle"],
                        "VisibilityTimeout": 0,
                    }
                    for index, message in enumerate(messages[start : start + LARGEST_BATCH])
                ],
            )

    def _find(self) -> str:
        self._url = self._client.get_queue_url(QueueName=self.name)["QueueUrl"]
        return self._url

    def _create_all(self) -> None:
        for name, attributes in self._definitions.items():
            try:
                self._client.get_queue_url(QueueName=name)
            except ClientError as error:
                if not _is_missing(error):
                    raise
                wanted: Any = self._with_real_target(attributes)
                self._client.create_queue(QueueName=name, Attributes=wanted)
                _log.warning("queue_created", queue=name)

    def _with_real_target(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """With the dead-letter queue's ARN as this SQS has it: the account may differ from ours."""
        if "RedrivePolicy" not in attributes:
            return dict(attributes)
        policy = json.loads(attributes["RedrivePolicy"])
        target = policy["deadLetterTargetArn"].rsplit(":", 1)[-1]
        url = self._client.get_queue_url(QueueName=target)["QueueUrl"]
        answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        policy["deadLetterTargetArn"] = answer["Attributes"]["QueueArn"]
        return {**attributes, "RedrivePolicy": json.dumps(policy)}


def _translated(call: Callable[..., T], *arguments: Any) -> T:
    try:
        return call(*arguments)
    except (BotoCoreError, ClientError) as error:
        raise QueueAwayError(str(error)) from error


def _is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _MISSING
