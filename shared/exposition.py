"""How Prometheus gets a process's metrics: from ``GET /metrics``, or from a port of their own."""

from collections.abc import Callable, Iterable

from prometheus_client import REGISTRY, Metric, disable_created_metrics, start_http_server
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from shared.settings import HttpSettings

# They would be a third of all series, and nobody asks for them.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics(Collector):
    """All metrics; ``update`` is called first, for those that are read only when asked for."""

    def __init__(self, update: Callable[[], object] | None = None) -> None:
        self._update = update

    def collect(self) -> Iterable[Metric]:
        if self._update is not None:
            self._update()
        return REGISTRY.collect()

    def response(self, request: Request) -> Response:
        """In the format that Prometheus asks for: only OpenMetrics has exemplars."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self), media_type=content_type)

    def serve(self, settings: HttpSettings) -> None:
        """Answer at ``METRICS_PORT``, if it is set, without asking who calls."""
        if settings.metrics_port is not None:
            start_http_server(settings.metrics_port, settings.host, self)
