"""The context argument of a handler, with the members of awslambdaric's LambdaContext."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.runtime.model import Function
from local.runtime.names import function_arn


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """`deadline` is in seconds of `clock`. `memory_limit_in_mb` is a string, as in awslambdaric."""

    aws_request_id: str
    function_name: str
    memory_limit_in_mb: str
    deadline: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    client_context: None = None
    identity: None = None
    tenant_id: None = None

    @property
    def invoked_function_arn(self) -> str:
        return function_arn(self.function_name)

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out; never negative."""
        return max(0, int((self.deadline - self.clock()) * 1000))


def context_for(
    function: Function, request_id: str, clock: Callable[[], float] = time.monotonic
) -> LambdaContext:
    return LambdaContext(
        aws_request_id=request_id,
        function_name=function.name,
        memory_limit_in_mb=str(function.memory_mb),
        deadline=clock() + function.timeout_seconds,
        clock=clock,
    )
