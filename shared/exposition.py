"""How Prometheus gets a process's metrics: from ``GET /metrics``, or from a port of their own."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Metric,
    generate_latest,
    start_http_server,
)
from prometheus_client.registry import Collector
from starlette.responses import Response

from shared.settings import HttpSettings


class Metrics(Collector):
    """All metrics; ``update`` is called first, for those that are read only when asked for."""

    def __init__(self, update: Callable[[], object] | None = None) -> None:
        self._update = update

    def collect(self) -> Iterable[Metric]:
        if self._update is not None:
            self._update()
        return REGISTRY.collect()

    def response(self) -> Response:
        return Response(generate_latest(self), media_type=CONTENT_TYPE_LATEST)

    def serve(self, settings: HttpSettings) -> None:
        """Answer at ``METRICS_PORT``, if it is set, without asking who calls."""
        if settings.metrics_port is not None:
            start_http_server(settings.metrics_port, settings.host, self)
