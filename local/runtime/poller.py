"""The worker: polls every SQS mapping of the template until told to stop."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from async_sqs import SqsClient
from local.runtime.environment import prepare_process
from local.runtime.heartbeat import beat_of
from local.runtime.invoker import Invoker
from local.runtime.loader import Handler
from local.runtime.log import adopt_libraries, get_logger
from local.runtime.mapping_poller import MappingPoller
from local.runtime.model import SqsMapping, Template
from local.runtime.sqs import SqsQueue
from local.runtime.stopping import run_until_stopped

# A parked receive cannot be called back, so it bounds how long stopping takes.
_LONGEST_WAIT_SECONDS = 10
_log = get_logger("poller")


async def poll(
    template: Template, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None
) -> None:
    """Run every SQS mapping of the template until `stop`; calls `ready` when all is loaded.

    Raises LoadError when a function cannot be imported.
    """
    mappings = [(f, mapping) for f in template.functions.values() for mapping in f.queues]
    invoker = Invoker(template.functions)
    for function, _ in mappings:
        invoker.handler(function.name)
    client = SqsClient()
    pollers = [
        MappingPoller(
            mapping,
            function.name,
            SqsQueue(mapping.queue, client, template.queues),
            invoker,
            wait_seconds=_wait_seconds(template, mapping),
            beat=beat_of(os.environ),
        )
        for function, mapping in mappings
    ]
    ready()
    _log.info("polling", queues=[mapping.queue for _, mapping in mappings])
    async with asyncio.TaskGroup() as group:
        for poller in pollers:
            group.create_task(poller.run(stop))
        await stop.wait()
    for function, _ in mappings:
        await _close(invoker.handler(function.name))
    await client.close()
    _log.info("stopped")


async def _close(handler: Handler) -> None:
    """Let a native handler put away its connections; Lambda has no such moment."""
    close = getattr(handler, "close", None)
    if close is not None:
        await close()


def _wait_seconds(template: Template, mapping: SqsMapping) -> int:
    own = int(template.queues.get(mapping.queue, {}).get("ReceiveMessageWaitTimeSeconds", 0))
    return min(own or _LONGEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS)


def run(template: Path) -> None:
    """Work until SIGTERM or SIGINT; running batches then have 19 s.

    Raises LoadError and TemplateError at start.
    """
    adopt_libraries("poller")
    loaded = prepare_process(template)
    run_until_stopped(lambda stop, ready: poll(loaded, stop, ready=ready))
