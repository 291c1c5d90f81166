"""Queue → one delivery attempt per event. Deployed with the SQS mapping in infra/template.yaml."""

from triggerfish.edge.queue_function import Batch, queue_function
from triggerfish.usecases.deliver import deliver
from triggerfish.wiring import close_all, wiring


@queue_function
async def handler(batch: Batch) -> None:
    await deliver(batch.refs, wiring().deliver)


handler.close = close_all
