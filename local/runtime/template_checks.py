"""Rules that AWS enforces or urges on a template which reads well; a finding is one line."""

import json
from collections.abc import Iterator

from local.runtime.model import Function, SqsMapping, Template

_DEFAULT_VISIBILITY_SECONDS = 30
_DEFAULT_RETENTION_SECONDS = 345_600


def problems(template: Template) -> list[str]:
    """What is wrong with the template although it loads. Empty when all is well."""
    return [*_mapping_problems(template), *_redrive_problems(template)]


def _mapping_problems(template: Template) -> Iterator[str]:
    for function in template.functions.values():
        for mapping in function.queues:
            for problem in _of_mapping(function, mapping, template.queues.get(mapping.queue)):
                yield f"{function.name}: {problem}"


def _of_mapping(
    function: Function, mapping: SqsMapping, queue: dict[str, str] | None
) -> Iterator[str]:
    if queue is None:
        yield f"queue {mapping.queue} is not in the template"
        return
    visibility = int(queue.get("VisibilityTimeout", _DEFAULT_VISIBILITY_SECONDS))
    if (
        function.timeout_seconds * 6 > visibility
    ):  # Lambda guide, "Configuring a queue for use with Lambda"
        yield f"timeout {function.timeout_seconds:g} s exceeds a sixth of visibility {visibility} s"
    if mapping.batch_size > 10 and mapping.window_seconds < 1:
        yield f"BatchSize {mapping.batch_size} needs MaximumBatchingWindowInSeconds of at least 1"
    if mapping.max_concurrency is not None and not 2 <= mapping.max_concurrency <= 1000:
        yield f"MaximumConcurrency {mapping.max_concurrency} is outside 2..1000"


def _redrive_problems(template: Template) -> Iterator[str]:
    for name, attributes in template.queues.items():
        if "RedrivePolicy" not in attributes:
            continue
        policy = json.loads(attributes["RedrivePolicy"])
        target = str(policy.get("deadLetterTargetArn", "")).rsplit(":", 1)[-1]
        if target not in template.queues:
            yield f"{name}: dead-letter queue {target} is not in the template"
        elif _retention(template.queues[target]) <= _retention(attributes):
            # A dead letter keeps its first enqueue time: with equal retention it may arrive already
            # expired.
            yield f"{name}: {target} must keep messages longer than {name}"


def _retention(attributes: dict[str, str]) -> int:
    return int(attributes.get("MessageRetentionPeriod", _DEFAULT_RETENTION_SECONDS))
