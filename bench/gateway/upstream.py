"""The service behind the gateways: minimal, so that it never limits the measurement.

``python -m bench.gateway.upstream PORT``. It reads a request to its end (Content-Length or chunks),
discards the body, and answers according to the path.
"""

import asyncio
import os
import re
import sys
from typing import cast

import uvloop

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
IMAGE = (
    b'{"uuid": "%b", "url": "http://localhost:8000/files/%b.png", "filename": "a.png", '
    b'"content_type": "image/png", "width": 640, "height": 480, "bytes": 123456, '
    b'"created_at": "2026-01-01T00:00:00Z", "status": "uploaded", "dithers": []}'
) % (UUID.encode(), UUID.encode())
_LARGE = os.urandom(10 * 1024 * 1024)


def _answer(status: bytes, content_type: bytes, cache: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %b\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-type: %b\r\n"
        b"cache-control: %b\r\ncontent-length: %d\r\n\r\n%b"
    ) % (status, content_type, cache, len(body), body)


_JSON = _answer(b"200 OK", b"application/json", b"no-store", IMAGE)
_CREATED = _answer(b"201 Created", b"application/json", b"no-store", IMAGE)
_FILE = _answer(b"200 OK", b"image/png", b"public, max-age=31536000, immutable", IMAGE)
_DOWNLOAD = _answer(b"200 OK", b"image/png", b"no-store", _LARGE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Service(asyncio.Protocol):
    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end + 2)
            self._left = (int(length[1]) if length else 0) - (len(self._head) - end - 4)
            self._answer = self._choose(self._head)
            self._head = b""
        if self._left == 0:
            self._transport.write(self._answer)

    def _choose(self, head: bytes) -> bytes:
        if head.startswith(b"POST"):
            return _CREATED
        if head.startswith(b"GET /files/large"):
            return _DOWNLOAD
        return _FILE if head.startswith(b"GET /files/") else _JSON


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Service, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
