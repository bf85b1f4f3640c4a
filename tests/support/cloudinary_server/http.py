"""The server's HTTP side: routing, the multipart form, the answer."""

import json
import re
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from tests.support.cloudinary_server.account import Account, CallError
from tests.support.cloudinary_server.failures import KINDS, Failures


class HttpServer(ThreadingHTTPServer):
    """Knows its open connections, so that `stop` need not wait for idle keep-alive ones."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, account: Account, failures: Failures) -> None:
        self.account = account
        self.failures = failures
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client has closed it already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect, as in many tests; print all other errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body waits for the ACK of the header, about 40 ms

    @property
    def account(self) -> Account:
        return cast(HttpServer, self.server).account

    @property
    def failures(self) -> Failures:
        return cast(HttpServer, self.server).failures

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: the tests look at the counts."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/_control":
            self._answer_json(200, self._state())
        elif path.startswith("/v1_1/"):
            self._call("admin", b"")
        elif not self._failed("delivery"):
            self._deliver(path)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_control":
            self._control(json.loads(body))
            return
        account = re.escape(self.account.cloud_name)
        match = re.fullmatch(rf"/v1_1/{account}/(image|raw)/(upload|destroy)", self.path)
        self._call(match[2] if match else "admin", body, match[1] if match else "image")

    def do_DELETE(self) -> None:
        self._call("admin", b"")

    def do_PUT(self) -> None:
        self.do_POST()

    def _control(self, order: dict[str, Any]) -> None:
        if order.get("recover"):
            self.failures.recover()
        if "fail" in order:
            self.failures.fail(**order["fail"])
        self._answer_json(200, self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "calls": {kind: self.failures.calls[kind] for kind in KINDS},
            "public_ids": self.account.public_ids(),
        }

    def _call(self, kind: str, body: bytes, resource_type: str = "image") -> None:
        mode = self._failed(kind)
        if mode and mode != "lost":
            return
        try:
            fields, file = _parse_form(self.headers.get("Content-Type", ""), body)
            if kind == "upload":
                url = cast(HttpServer, self.server).url
                answer = self.account.upload(resource_type, fields, file, url)
            elif kind == "destroy":
                answer = self.account.destroy(resource_type, fields)
            else:
                raise CallError(420, "Rate Limit Exceeded. Limit of 0 api operations reached.")
        except CallError as error:
            self._answer_json(error.status, {"error": {"message": str(error)}})
            return
        if mode == "lost":
            self._drop()
        else:
            self._answer_json(200, answer)

    def _failed(self, kind: str) -> str | None:
        """Counts the call and, if requested, makes it fail; returns the mode."""
        mode = self.failures.take(kind)
        if mode == "hang":
            self.failures.hang()
        if mode in {"hang", "drop"}:
            self._drop()
        elif mode and mode != "lost":
            self._answer_json(int(mode), {"error": {"message": f"Told to fail with {mode}"}})
        return mode

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _deliver(self, path: str) -> None:
        try:
            asset = self.account.find(path)
        except CallError as error:
            self._answer(error.status, "text/plain", str(error).encode())
            return
        if asset is None:
            self._answer(404, "text/plain", b"Resource not found")
        else:
            self._answer(200, asset.content_type, asset.data)

    def _answer_json(self, status: int, answer: dict[str, Any]) -> None:
        self._answer(status, "application/json; charset=utf-8", json.dumps(answer).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _parse_form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """The text fields and the file of a multipart body as the SDK sends it."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    fields: dict[str, str] = {}
    file: bytes | None = None
    if boundary is None:
        return fields, file
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]*)"', head)
        if name and name[1] == b"file":
            file = value
        elif name:
            fields[name[1].decode()] = value.decode()
    return fields, file
