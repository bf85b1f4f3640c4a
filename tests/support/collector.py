"""An OpenTelemetry collector that keeps the spans it is sent (OTLP over HTTP, protobuf)."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Recorded:
    """A span as it came in; ids are hexadecimal, ``parent`` is empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    has_failed: bool
    attributes: dict[str, Any]
    links: list[str]  # traces


@dataclass
class Collector:
    """``fields``: the header fields of the last request."""

    url: str
    spans: list[Recorded] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    def trace(self, trace: str) -> list[Recorded]:
        return [span for span in self.spans if span.trace == trace]

    def paths(self, trace: str) -> list[list[str]]:
        """Each span of the trace with those above it, as ``service: name``.

        Services send their spans at different times; a path begins at the highest that is known.
        """
        by_id = {span.id: span for span in self.trace(trace)}
        return [_path(span, by_id) for span in by_id.values()]


def _path(span: Recorded, by_id: dict[str, Recorded]) -> list[str]:
    above = [span]
    while (parent := by_id.get(above[0].parent)) is not None:
        above.insert(0, parent)
    return [f"{each.service}: {each.name}" for each in above]


@contextmanager
def running_collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.fields = {k.lower(): v for k, v in self.headers.items()}
            collector.spans += _read(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def _read(request: ExportTraceServiceRequest) -> Iterator[Recorded]:
    for of_process in request.resource_spans:
        service = _attributes(of_process.resource.attributes)["service.name"]
        for scope in of_process.scope_spans:
            for span in scope.spans:
                yield Recorded(
                    service=service,
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    kind=span.kind,
                    has_failed=span.status.code == 2,
                    attributes=_attributes(span.attributes),
                    links=[link.trace_id.hex() for link in span.links],
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
