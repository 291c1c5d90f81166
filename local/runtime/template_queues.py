"""Reads the AWS::SQS::Queue resources into SQS's own attribute strings."""

import json
from collections.abc import Mapping
from typing import Any

from local.runtime.intrinsics import Resolver, TemplateError

_ATTRIBUTES = {
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "VisibilityTimeout",
}
_ELSEWHERE = {
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "QueueName",
    "SqsManagedSseEnabled",
    "Tags",
}


def read_queues(resources: Mapping[str, Any], resolver: Resolver) -> dict[str, dict[str, str]]:
    """Queue name → attributes as strings; dead-letter queues first, the order to make them in."""
    queues: dict[str, dict[str, str]] = {}
    for logical_id, resource in resources.items():
        if resource.get("Type") == "AWS::SQS::Queue":
            queues[resolver.queue_name(logical_id)] = _attributes(logical_id, resource, resolver)
    return dict(sorted(queues.items(), key=lambda item: "RedrivePolicy" in item[1]))


def _attributes(logical_id: str, resource: Mapping[str, Any], resolver: Resolver) -> dict[str, str]:
    properties = resource.get("Properties") or {}
    if unknown := set(properties) - _ATTRIBUTES - _ELSEWHERE:
        raise TemplateError(f"{logical_id}: unknown property {', '.join(sorted(unknown))}")
    return {
        name: _string(resolver.value(value))
        for name, value in properties.items()
        if name in _ATTRIBUTES
    }


def _string(value: Any) -> str:
    """SQS attributes are strings: booleans in lower case, policies as JSON."""
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)
