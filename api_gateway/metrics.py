"""What is read of the services' state when somebody asks for ``GET /metrics``."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api_gateway.upstream import Upstream


class UpstreamMetrics(Collector):
    """Gauges of each service and of each of its replicas."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams

    def collect(self) -> Iterator[Metric]:
        waiting = _gauge("gateway_upstream_waiting", "Requests waiting for a service")
        streams = _gauge("gateway_upstream_streams", "Event streams open")
        flight = _gauge("gateway_upstream_in_flight", "Requests at a replica", "replica")
        breaker = _gauge(
            "gateway_upstream_breaker_open", "1: the replica is out of rotation", "replica"
        )
        for name, upstream in self._upstreams.items():
            waiting.add_metric([name], upstream.waiting)
            streams.add_metric([name], upstream.streams)
            for replica in upstream.replicas:
                flight.add_metric([name, replica.authority], replica.in_flight)
                breaker.add_metric([name, replica.authority], not replica.breaker.closed)
        yield from (waiting, streams, flight, breaker)


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=["upstream", *labels])
