"""Who is told what happens in the catalogue: the log, an SNS topic, or a mailbox by SES."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from triggerfish.domain.catalogue_notification import Notification
from triggerfish.domain.errors import TryLater

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient


class LogNotifier:
    """Tells the functions' log, one line each."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    async def notify(self, notification: Notification) -> None:
        self._log.info(
            "catalogue_notification",
            text=notification.text,
            event_id=notification.event_id,
            notification_id=notification.id,
        )


class SnsNotifier:
    """Publishes to a topic; the attributes let subscriptions choose by `news`."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client, self._topic_arn = client, topic_arn

    async def notify(self, notification: Notification) -> None:
        """Raises TryLater when SNS does not take it."""
        attributes = {
            "news": notification.news.value,
            "event_id": str(notification.event_id),
            "notification_id": str(notification.id),
        }
        await _call(
            lambda: self._client.publish(
                TopicArn=self._topic_arn,
                Message=notification.text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
        )


class SesNotifier:
    """Sends a mail from one address to others, the news its subject."""

    def __init__(self, client: "SESV2Client", sender: str, recipients: list[str]) -> None:
        self._client, self._sender, self._recipients = client, sender, recipients

    async def notify(self, notification: Notification) -> None:
        """Raises TryLater when SES does not take it."""
        body = f"{notification.text}\n\nEvent {notification.event_id}\n"
        await _call(
            lambda: self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": self._recipients},
                Content={
                    "Simple": {
                        "Subject": {"Data": notification.text, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": body, "Charset": "UTF-8"}},
                    }
                },
            )
        )


async def _call(request: Callable[[], object]) -> None:
    try:
        await asyncio.to_thread(request)
    except (BotoCoreError, ClientError) as error:
        raise TryLater(f"It was not taken: {error}") from error
