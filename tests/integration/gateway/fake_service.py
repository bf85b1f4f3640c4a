"""A small service behind the gateway, which misbehaves on demand."""

import asyncio
import json
import threading
from contextlib import suppress
from dataclasses import dataclass

from standalone.ports import free_port

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ETAG = b'"v1"'
FILE = b"\x89PNG" + bytes(range(256)) * 8


class HalfAnswered(Exception):
    """The service closes the connection; the bytes written before still arrive."""


async def _flush_and_close(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()


@dataclass
class Seen:
    """A request as the service received it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    body_bytes: int = 0

    def header(self, name: str) -> list[str]:
        return [v for k, v in self.headers if k == name]


class Service:
    """Answers by path, and records the requests. Runs in its own thread."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.seen: list[Seen] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.connections: set[asyncio.StreamWriter] = set()
        self.calls: dict[str, asyncio.Event] = {}  # by the name that the gateway gave
        self.opened = 0
        self.version = 1
        self.delay = 0.0
        self.held = False  # while set, GETs of images wait
        self.hangs_up = False  # while set, it closes the connection after reading a request
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str, target: str) -> list[Seen]:
        return [s for s in list(self.seen) if s.method == method and s.target == target]

    def start(self) -> "Service":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Break every connection at once, as when a process is killed."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        )
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for writer in list(self.connections):
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        self.opened += 1
        try:
            while (seen := await self._read(reader)) is not None:
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await self._answer(seen, writer)
                finally:
                    self.in_flight -= 1
        except HalfAnswered:
            await _flush_and_close(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> Seen | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        fields = [(k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]
        seen = Seen(method, target, fields)
        if not target.startswith("/health"):
            self.seen.append(seen)
        if seen.header("transfer-encoding"):
            while size := int(await reader.readline(), 16):
                self._keep(seen, await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readexactly(2)
        for length in seen.header("content-length"):
            left = int(length)
            while left:
                data = await reader.read(min(left, 65536))
                if not data:
                    return None
                left -= len(data)
                self._keep(seen, data)
        return seen

    def _keep(self, seen: Seen, data: bytes) -> None:
        seen.body_bytes += len(data)
        if seen.body_bytes <= 65536:
            seen.body += data

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        path, _, query = seen.target.partition("?")
        if self.hangs_up and path != "/health":
            raise ConnectionResetError
        if path == "/health":
            await self._send(writer, b'{"status": "ok", "parts": {"database": {"status": "ok"}}}')
        elif path.endswith("/events"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"event: image\ndata: {}\n\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        elif path == "/dither":  # an archive that never ends
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"%x\r\n%b\r\n" % (100_000, bytes(100_000)))
                await writer.drain()
                await asyncio.sleep(0.05)
        elif path.startswith("/files/large"):
            await self._large(writer, int(query))
        elif path.startswith("/files/kept"):
            await self._send(writer, bytes(int(query)), b"cache-control: max-age=60\r\n")
        elif path.startswith("/files/soon-stale"):
            await asyncio.sleep(self.delay)
            await self._send(writer, FILE, b"cache-control: max-age=1\r\n")
        elif path == "/previews/endless":  # until it is told that nobody waits
            self.calls[seen.header("x-call")[0]] = given_up = asyncio.Event()
            await given_up.wait()
            await self._send(writer, b"{}")
        elif path.startswith("/calls/"):
            self.calls[path.removeprefix("/calls/")].set()
            await self._send(writer, b"{}")
        elif path == "/preview":
            writer.write(b"HTTP/1.1 2")
            await writer.drain()
            await asyncio.sleep(60)
        elif path.startswith("/files/break-chunks"):
            part = b"%x\r\n%b\r\n" % (200_000, bytes(200_000))
            writer.write(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + part + b"9\r\nhalf"
            )
            await writer.drain()
            raise HalfAnswered
        elif path.startswith("/files/break"):
            size = int(query)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            writer.write(bytes(size // 2) + b"half")
            await writer.drain()
            raise HalfAnswered
        elif path.startswith("/files/hangup"):
            raise ConnectionResetError
        elif path.startswith("/files/never"):
            await asyncio.sleep(60)
        elif path.startswith("/files/") and seen.method == "GET":
            await asyncio.sleep(self.delay)
            await self._send(
                writer, FILE, b'cache-control: public, max-age=31536000, immutable\r\netag: "f"\r\n'
            )
        elif seen.method == "GET":
            await asyncio.sleep(self.delay)
            while self.held:
                await asyncio.sleep(0.01)
            await self._image(seen, writer)
        elif seen.method == "DELETE":
            await asyncio.sleep(self.delay)
            await self._send(writer, b"", status=b"204 No Content")
        else:
            location = b"location: /images/" + UUID.encode() + b"\r\n"
            await self._send(writer, b"{}", location, status=b"201 Created")

    async def _image(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        etag = b'"v%d"' % self.version
        fields = b"cache-control: no-cache\r\netag: %b\r\n" % etag
        if seen.header("if-none-match") == [etag.decode()]:
            await self._send(writer, b"", fields, status=b"304 Not Modified")
        else:
            body = json.dumps({"uuid": UUID, "version": self.version, "by": self.port}).encode()
            await self._send(writer, body, fields)

    async def _large(self, writer: asyncio.StreamWriter, size: int) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: %d\r\n\r\n" % size
        )
        part = bytes(65536)
        while size:
            writer.write(part[:size])
            await writer.drain()
            size -= min(size, len(part))

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        body: bytes,
        fields: bytes = b"",
        status: bytes = b"200 OK",
    ) -> None:
        length = b"" if status[:3] in {b"204", b"304"} else b"content-length: %d\r\n" % len(body)
        writer.write(
            b"HTTP/1.1 %b\r\nserver: secret/1\r\nx-powered-by: something\r\n"
            b"keep-alive: timeout=5\r\nconnection: x-hop, keep-alive\r\nx-hop: mine\r\n"
            b"content-type: application/json\r\n%b%b\r\n%b" % (status, length, fields, body)
        )
        await writer.drain()
