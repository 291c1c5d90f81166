"""Queue → one delivery attempt per event. Deployed with the SQS mapping in infra/template.yaml."""

from triggerfish.domain.message import parse_message
from triggerfish.edge.queue_function import Batch, queue_function
from triggerfish.usecases.deliver import Message, deliver
from triggerfish.wiring import close_all, wiring


@queue_function(parse_message)
async def handler(batch: Batch[Message]) -> list[Message]:
    return await deliver(batch.refs, wiring().deliver)


handler.close = close_all
