"""The gateway's span of each request, which the services continue."""

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, use_span

from shared.context import TRACEPARENT, current_traceparent
from shared.http import METHODS, Asgi, Message, Receive, Scope, Send
from shared.redaction import shown_path
from shared.tracing import UNTRACED, exemplar, is_on, links_to, start_span

_FIELD = TRACEPARENT.encode("ascii")
_CALLERS = frozenset({_FIELD, b"tracestate", b"baggage"})


def traced_edge(app: Asgi) -> Asgi:
    """``app``, whose requests are recorded if traces are."""
    return _TracedEdge(app) if is_on() else app


class _TracedEdge:
    """Begins a trace for each request.

    A caller's own ``traceparent`` is linked and not continued: a stranger must not decide what is
    recorded here, nor in whose trace.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        given = {name: value for name, value in scope["headers"] if name in _CALLERS}
        server = start_span(
            method,
            SpanKind.SERVER,
            parent=Context(),
            links=links_to(given.get(_FIELD, b"").decode("latin-1")),
            attributes={
                "http.request.method": method,
                "url.path": shown_path(scope["path"]),
                "url.scheme": scope["scheme"],
            },
        )

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                server.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    server.set_status(StatusCode.ERROR)
            await send(message)

        with use_span(server, end_on_exit=True, record_exception=False):
            others = [field for field in scope["headers"] if field[0] not in _CALLERS]
            scope["headers"] = [*others, (_FIELD, (current_traceparent() or "").encode())]
            scope["access"] |= exemplar() or {}
            scope["fastapi.telemetry"] = None  # the gateway's own routes have this span already
            try:
                await self._app(scope, receive, send_and_note)
            finally:
                if route := getattr(scope.get("route"), "path", None):
                    server.update_name(f"{method} {route}")
                    server.set_attribute("http.route", route)
