"""Queue → a turn at each uploaded file. Deployed with the SQS mapping in infra/template.yaml."""

from uuid import UUID

from triggerfish.domain.job import parse_message
from triggerfish.edge.queue_function import Batch, queue_function
from triggerfish.usecases.process_log_file import process_log_file
from triggerfish.wiring import close_all, wiring


@queue_function(parse_message)
async def handler(batch: Batch[UUID]) -> None:
    for job_id in batch.refs:
        await process_log_file(job_id, wiring().process_log_file)


handler.close = close_all
