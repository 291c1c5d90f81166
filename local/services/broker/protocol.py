"""From an operation's AWS name to what performs it.

ReceiveMessage may wait and therefore lives in polling.py.
"""

from local.services.broker import message_operations, queue_operations
from local.services.broker.errors import SqsError
from local.services.broker.params import Params
from local.services.broker.registry import Registry
from local.services.broker.request import Request

_OPERATIONS = {**queue_operations.OPERATIONS, **message_operations.OPERATIONS}


def perform(operation: str, registry: Registry, request: Request) -> Params:
    """Run an operation. Raises SqsError for everything a client can do wrong."""
    found = _OPERATIONS.get(operation)
    if found is None:
        raise SqsError("UnknownOperationException", f"The operation {operation} is not known.")
    return found(registry, request)
