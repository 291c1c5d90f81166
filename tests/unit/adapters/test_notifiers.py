"""The notifiers of AWS against moto: what SNS and SES are given, and what their refusals become."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import boto3
import pytest
from moto.ses.models import ses_backends
from pydantic import ValidationError

from tests.mocked_aws import mocked_aws
from triggerfish.adapters.aws_clients import ses_client, sns_client
from triggerfish.adapters.notifiers import SesNotifier, SnsNotifier
from triggerfish.domain.catalogue_notification import News, Notification
from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings
from triggerfish.usecases.notify_by_trigger import TriggerNotifier
from triggerfish.wiring import Wiring

TOLD = Notification(
    UUID(int=1),
    UUID(int=2),
    News.PUBLISHED,
    "Jazz Night — ünïcode",
    datetime(2026, 3, 2, tzinfo=UTC),
    1,
)
TEXT = "Event published: Jazz Night — ünïcode"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mocked_aws():
        yield


async def test_sns_publishes_the_text_with_attributes_to_choose_by():
    sns, sqs = sns_client(), boto3.client("sqs")
    topic = sns.create_topic(Name="catalogue")["TopicArn"]
    queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    await SnsNotifier(sns, topic).notify(TOLD)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert body["Message"] == TEXT
    assert {name: one["Value"] for name, one in body["MessageAttributes"].items()} == {
        "news": "published",
        "event_id": str(UUID(int=2)),
        "notification_id": str(UUID(int=1)),
    }


async def test_ses_mails_the_text_to_every_recipient():
    ses = ses_client()
    ses.create_email_identity(EmailIdentity="events@example.com")
    await SesNotifier(ses, "events@example.com", ["a@example.com", "b@example.com"]).notify(TOLD)
    [mail] = ses_backends["123456789012"]["us-east-1"].sent_messages
    assert mail.source == "events@example.com"
    assert mail.destinations["ToAddresses"] == ["a@example.com", "b@example.com"]
    assert mail.subject == TEXT
    assert TEXT in mail.body
    assert str(UUID(int=2)) in mail.body


async def test_a_topic_or_a_sender_that_does_not_exist_is_tried_again_later():
    nowhere = "arn:aws:sns:us-east-1:123456789012:nowhere"
    with pytest.raises(TryLater, match="not exist"):
        await SnsNotifier(sns_client(), nowhere).notify(TOLD)
    with pytest.raises(TryLater, match="not verified"):
        await SesNotifier(ses_client(), "nobody@example.com", ["a@example.com"]).notify(TOLD)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"notifier": "sns", "sns_topic_arn": "arn:aws:sns:us-east-1:1:t"}, SnsNotifier),
        ({"notifier": "ses", "ses_sender": "a@b.c", "ses_recipients": "d@e.f"}, SesNotifier),
        ({"notifier": "trigger", "trigger_id": str(UUID(int=3))}, TriggerNotifier),
    ],
)
async def test_the_settings_choose_the_notifier_and_must_name_what_it_needs(given, kind):
    settings = {f"catalogue_{name}": value for name, value in given.items()}
    parts = Wiring(Settings(database_url="postgresql+psycopg://", **settings))
    assert isinstance(parts.notifier, kind)
    for name in settings.keys() - {"catalogue_notifier"}:
        missing = {other: value for other, value in settings.items() if other != name}
        with pytest.raises(ValidationError, match=f"TRIGGERFISH_{name.upper()}"):
            Settings(database_url="postgresql+psycopg://", **missing)
