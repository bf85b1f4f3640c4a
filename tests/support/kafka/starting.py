"""A fake Kafka in the state of a starting one: it answers, but its metadata have no broker yet.

Before a KRaft broker has read its metadata, it may report that there are no brokers and that every
topic is unknown. With a real one this lasts some milliseconds; with this one as long as needed.
"""

import socket
import socketserver
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

_METADATA, _API_VERSIONS = 3, 18
_UNKNOWN_TOPIC, _UNSUPPORTED_VERSION = 3, 35
# The two requests that it answers, each with the supported versions.
_APIS = struct.pack(">i hhh hhh", 2, _METADATA, 0, 1, _API_VERSIONS, 0, 0)


@dataclass
class StartingBroker:
    """Listens on ``port`` of 127.0.0.1. A context manager, which may be entered again.

    While ``knows`` is set, it reports itself as the only broker and the leader of each requested
    topic. ``asked`` has the ids of the clients that got an answer.
    """

    port: int
    knows: bool = True
    asked: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", self.port), _Connection)
        self._server.broker, self._server.connections = self, set()
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes all connections."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, api: int, version: int, body: bytes) -> bytes:
        if api == _METADATA:
            return self._brokers() + b"".join(self._topics(body))
        return struct.pack(">h", _UNSUPPORTED_VERSION if version else 0) + _APIS

    def _brokers(self) -> bytes:
        """The list of brokers, and the controller."""
        if not self.knows:
            return struct.pack(">ii", 0, -1)
        return struct.pack(">i i h9s i h i", 1, 1, 9, b"127.0.0.1", self.port, -1, 1)

    def _topics(self, request: bytes) -> list[bytes]:
        (count,) = struct.unpack_from(">i", request)
        answer, at = [struct.pack(">i", max(0, count))], 4
        for _ in range(count):
            end = at + 2 + struct.unpack_from(">h", request, at)[0]
            error, partitions = (0, _PARTITION) if self.knows else (_UNKNOWN_TOPIC, _NO_PARTITION)
            answer.append(struct.pack(">h", error) + request[at:end] + b"\0" + partitions)
            at = end
        return answer


_PARTITION = struct.pack(">i h ii ii ii", 1, 0, 0, 1, 1, 1, 1, 1)  # led by broker 1, its replica
_NO_PARTITION = struct.pack(">i", 0)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    broker: StartingBroker
    connections: set[socket.socket]


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Answers requests; closes the connection at one of another kind."""
        self.server.connections.add(self.request)
        while len(size := self.rfile.read(4)) == 4:
            request = self.rfile.read(*struct.unpack(">i", size))
            api, version, correlation, length = struct.unpack_from(">hhih", request)
            if api not in {_METADATA, _API_VERSIONS}:
                return
            name, body = request[10 : 10 + length].decode(), request[10 + length :]
            answer = self.server.broker.answer(api, version, body)
            self.wfile.write(struct.pack(">ii", len(answer) + 4, correlation) + answer)
            if api == _METADATA:
                self.server.broker.asked.add(name)
