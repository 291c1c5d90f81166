"""Queue → each notification told once. Deployed with the SQS mapping in infra/template.yaml."""

from uuid import UUID

from triggerfish.domain.catalogue_notification import parse_message
from triggerfish.edge.queue_function import Batch, queue_function
from triggerfish.usecases.send_notification import send_notifications
from triggerfish.wiring import close_all, wiring


@queue_function(parse_message)
async def handler(batch: Batch[UUID]) -> None:
    await send_notifications(batch.refs, wiring().send_notification)


handler.close = close_all
