"""A service that shows what reaches it through edge and gateway. It plays all three services."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from standalone.ports import free_port
from tests.edge.running import wait_until

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
BUSY = "11111111-d9cb-469f-a165-70867728950e"  # its image is answered with this problem
PROBLEM = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "Busy."}
FILE = b"\x89PNG" + bytes(range(256)) * 8
KEEP = {
    "cache-control": "public, max-age=31536000, immutable",
    "etag": '"v1"',
    "accept-ranges": "bytes",
}


@dataclass
class Service:
    port: int = field(default_factory=free_port)
    asked: list[str] = field(default_factory=list)  # method and path
    deleted: set[str] = field(default_factory=set)  # paths of files
    private: set[str] = field(default_factory=set)
    peers: set[tuple[str, int]] = field(default_factory=set)  # connections that brought requests
    received: int = 0  # bytes of the body of the upload under way
    second_event: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        routes = [
            Route("/health", self._health),
            Route("/images", self._upload, methods=["POST"]),
            Route("/preview", self._upload, methods=["POST"]),
            Route("/previews/{answer}", self._upload, methods=["POST"]),
            Route("/dither", self._upload, methods=["POST"]),
            Route("/images/{uuid}/events", self._events),
            Route("/images/{uuid}", self._delete, methods=["DELETE"]),
            Route("/files/{key:path}", self._file),
            Route("/{path:path}", self._echo, methods=["GET", "POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes),
            port=self.port,
            log_level="warning",
            lifespan="off",
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def times_asked(self, method: str, path: str) -> int:
        return self.asked.count(f"{method} {path}")

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started, "the service starts")

    def stop(self) -> None:
        self.second_event.set()
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def _note(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.client is not None:
            self.peers.add((request.client.host, request.client.port))

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _upload(self, request: Request) -> Response:
        self._note(request)
        self.received = 0
        with suppress(ClientDisconnect):
            async for data in request.stream():
                self.received += len(data)
        return JSONResponse({"received": self.received}, status_code=201)

    async def _delete(self, request: Request) -> Response:
        self._note(request)
        self.deleted.add(f"/files/{request.path_params['uuid']}.png")
        return Response(status_code=204)

    async def _file(self, request: Request) -> Response:
        self._note(request)
        path = request.url.path
        if path in self.deleted:
            return JSONResponse({**PROBLEM, "status": 404}, status_code=404)
        fields = {"cache-control": "private"} if path in self.private else KEEP
        if request.headers.get("if-none-match") == KEEP["etag"]:
            return Response(status_code=304, headers=fields)
        return Response(FILE, media_type="image/png", headers=fields)

    async def _events(self, request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"event: image\ndata: 1\n\n"
            while not self.second_event.is_set():
                await asyncio.sleep(0.02)
            yield b"event: image\ndata: 2\n\n"

        self._note(request)
        return StreamingResponse(events(), media_type="text/event-stream")

    async def _echo(self, request: Request) -> Response:
        self._note(request)
        if request.url.path == f"/images/{BUSY}":
            return Response(
                json.dumps(PROBLEM),
                status_code=503,
                headers={"retry-after": "7", "content-type": "application/problem+json"},
            )
        public = request.url.path == "/options"
        fields = {"cache-control": "public, max-age=60" if public else "no-cache"}
        return JSONResponse({"fields": dict(request.headers)}, headers=fields)
