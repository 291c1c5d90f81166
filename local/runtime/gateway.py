"""The HTTP front: sends each request or WebSocket to the function whose route matches it."""

from dataclasses import dataclass
from pathlib import Path

from local.runtime.asgi import App, Receive, Scope, Send, refuse_websocket, respond_json
from local.runtime.environment import freeze_imports, prepare_process
from local.runtime.event_lane import EventLaneApp
from local.runtime.invocation import InvocationApi, InvokeAccess
from local.runtime.invoker import Invoker, Lane
from local.runtime.lane import DEFAULT_THREADS, LambdaLane
from local.runtime.model import Route, Template
from local.runtime.routing import Routes
from local.runtime.serving import serve
from local.runtime.tail import watch_output
from local.runtime.template import TemplateError


class Gateway:
    """An ASGI app.

    Importing every HTTP function is part of building it, so a broken one fails at boot. In the
    event lane each of `threads` is a container of its own, with connections and buckets of its own.
    """

    def __init__(
        self,
        template: Template,
        *,
        event_lane: bool = False,
        invoke: InvokeAccess | None = None,
        threads: int = DEFAULT_THREADS,
    ) -> None:
        lane: Lane = "event" if event_lane else "native"
        invoker = Invoker(template.functions, lane=lane, threads=LambdaLane(threads))
        self._invoke_port = invoke.port if invoke else None
        self._invocations = InvocationApi(invoker, invoke.secret) if invoke else None
        self._find = Routes(_targets(template, invoker, event_lane=event_lane)).find
        self.close = invoker.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        # The server's side of the connection, which no header can change.
        if self._invocations and scope["server"][1] == self._invoke_port:
            await self._invocations(scope, receive, send)
            return
        # A WebSocket handshake is a GET; its scope has no method.
        target = self._find(scope.get("method", "GET"), path)
        if target is not None:
            await target(scope, receive, send)
        elif scope["type"] == "http":
            await respond_json(send, 404, {"message": "Not Found"})
        else:
            await refuse_websocket(receive, send)


def _targets(template: Template, invoker: Invoker, *, event_lane: bool) -> dict[Route, App]:
    """For each route the ASGI app its handler carries, or the handler behind API Gateway events."""
    targets: dict[Route, App] = {}
    for name, function in template.functions.items():
        for route in function.routes:
            if route in targets:
                raise TemplateError(f"{name}: {' '.join(route)} is another function's route")
            native: App | None = getattr(invoker.handler(name), "app", None)
            lane = EventLaneApp(invoker, name, route)
            targets[route] = lane if event_lane or native is None else native
    return targets


@dataclass(frozen=True)
class GatewayFactory:
    """Builds the gateway inside the serving process; pickled on its way to child processes."""

    template: Path
    event_lane: bool
    invoke: InvokeAccess | None = None

    def __call__(self) -> Gateway:
        watch_output()
        gateway = Gateway(
            prepare_process(self.template),
            event_lane=self.event_lane,
            invoke=self.invoke,
        )
        freeze_imports()
        return gateway


def run(
    template: Path,
    *,
    host: str,
    port: int,
    processes: int = 1,
    event_lane: bool = False,
    invoke: InvokeAccess | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight then have 10 s.

    Raises LoadError and TemplateError at boot.
    """
    factory = GatewayFactory(template.resolve(), event_lane, invoke)
    addresses = [(host, port), *([(invoke.host, invoke.port)] if invoke else [])]
    serve(factory, addresses, processes=processes)
