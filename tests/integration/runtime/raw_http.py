"""An app behind our HTTP protocol, and connections that send it bytes as they are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from local.http_protocol import StrictProtocol
from local.runtime.asgi import ClientGoneError, read_body, respond

END = b"GET /end HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class Server:
    """Answers every request with what it read of it; `seen` has all but the one for `/end`."""

    def __init__(self, port: int, seen: list[dict[str, Any]]) -> None:
        self.port, self.seen = port, seen

    async def exchange(self, *pieces: bytes, end: bytes = END) -> bytes:
        """Send the pieces one after the other; all that comes back until the server hangs up.

        The request `end` asks it to. Where a refusal ends the connection, send none.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in (*pieces, end):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)  # a packet of its own
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answer


@asynccontextmanager
async def serving(protocol: type[StrictProtocol], **config: Any) -> AsyncIterator[Server]:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
            return
        try:
            body = await read_body(receive, 10_000_000)
        except ClientGoneError:
            return
        read = {"method": scope["method"], "path": scope["path"], "body": body.decode()}
        if scope["path"] != "/end":
            seen.append(read)
        await respond(send, 200, json.dumps(read).encode())

    options = uvicorn.Config(
        app, log_config=None, lifespan="off", access_log=False, ws="websockets-sansio", **config
    )
    options.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(options, state, {}), "127.0.0.1", 0
    )
    try:
        yield Server(server.sockets[0].getsockname()[1], seen)
    finally:
        server.close()
        await server.wait_closed()
