"""A FastAPI function: JSON, path and query, cookies, bytes, streaming, WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from mangum import Mangum

app = FastAPI()


@app.get("/items/{item_id}")
async def get_item(item_id: str, request: Request) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "query": request.query_params.multi_items(),
        "cookie": request.cookies.get("flavour"),
        "tags": request.headers.get("x-tags"),
    }


@app.post("/items", status_code=201)
async def create_item(request: Request) -> Response:
    answer = Response(await request.body(), 201, media_type=request.headers["content-type"])
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


@app.get("/web/slow")
async def slow(seconds: float) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@app.get("/web/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(pieces(), media_type="text/event-stream")


@app.websocket("/web/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(f"echo {await socket.receive_text()}")
    except WebSocketDisconnect:
        pass


handler = Mangum(app, lifespan="off")
