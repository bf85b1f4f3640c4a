"""A local HTTPS server that answers by path, with a certificate of its own authority."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class HttpsServer:
    """authority: PEM. asked: the Host field and path of each request, in order."""

    port: int
    authority: bytes
    asked: list[tuple[str, str]]


def body(data: bytes, status: int = 200, fields: Mapping[str, str] | None = None) -> Answer:
    """Answer with these bytes and header fields."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"content-length": str(len(data)), **(fields or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def redirect(location: str) -> Answer:
    return body(b"", 302, {"location": location})


@contextmanager
def https_server(answers: Mapping[str, Answer], *names: str) -> Iterator[HttpsServer]:
    """A server whose certificate is for ``names``; other paths are answered with 404."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.headers["host"], self.path))
            answers.get(self.path.partition("?")[0], body(b"", 404))(self)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes is expected."""

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield HttpsServer(server.server_port, authority.cert_pem.bytes(), asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
