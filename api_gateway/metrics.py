"""What the gateway counts, for Prometheus (``GET /metrics``)."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api_gateway.clients import Clients
from api_gateway.request import Request
from api_gateway.upstream import Upstream

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self, upstreams: Mapping[str, Upstream], clients: Clients) -> None:
        self._registry = CollectorRegistry()
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Requests, by route, the service behind it, and what the cache was to them",
            ["method", "route", "upstream", "status", "cache"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._sent = Counter(
            "http_response_bytes_total", "Bytes of bodies sent", ["route"], registry=self._registry
        )
        self._limited = Counter(
            "gateway_rate_limited_total",
            "Requests over a limit",
            ["limit"],
            registry=self._registry,
        )
        self._filtered = Counter(
            "gateway_filtered_total",
            "Requests that a rule caught",
            ["rule"],
            registry=self._registry,
        )
        # Looking a child up by its labels costs more than to count with it.
        self._children: dict[tuple[str, str, str, int, str], tuple[Histogram, Counter]] = {}
        self._registry.register(_State(upstreams, clients))
        ProcessCollector(registry=self._registry)

    def observe(self, request: Request, seconds: float) -> None:
        key = (request.method, request.route, request.upstream, request.status, request.cache)
        children = self._children.get(key)
        if children is None:
            children = self._duration.labels(*key), self._sent.labels(request.route)
            self._children[key] = children
        children[0].observe(seconds)
        if request.sent_bytes:
            children[1].inc(request.sent_bytes)
        if request.limited:
            self._limited.labels(request.limited).inc()
        if request.rule:
            self._filtered.labels(request.rule).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _State(Collector):
    """What is read when it is asked for."""

    def __init__(self, upstreams: Mapping[str, Upstream], clients: Clients) -> None:
        self._upstreams = upstreams
        self._clients = clients

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "gateway_client_connections", "Clients connected", len(self._clients.connections)
        )
        refused = CounterMetricFamily(
            "gateway_refused_connections", "Connections that sent no valid HTTP", labels=["status"]
        )
        for status, count in sorted(self._clients.refused.items()):
            refused.add_metric([str(status)], count)
        yield refused
        waiting = GaugeMetricFamily(
            "gateway_upstream_waiting", "Requests waiting for a service", labels=["upstream"]
        )
        streams = GaugeMetricFamily(
            "gateway_upstream_streams", "Event streams and probes open", labels=["upstream"]
        )
        labels = ["upstream", "replica"]
        flight = GaugeMetricFamily(
            "gateway_upstream_in_flight", "Requests at a replica", labels=labels
        )
        idle = GaugeMetricFamily(
            "gateway_upstream_idle_connections", "Connections kept for reuse", labels=labels
        )
        breaker = GaugeMetricFamily(
            "gateway_upstream_breaker_open", "1: the replica is out of rotation", labels=labels
        )
        for name, upstream in self._upstreams.items():
            waiting.add_metric([name], upstream.waiting)
            streams.add_metric([name], upstream.streams)
            for replica in upstream.replicas:
                of = [name, replica.authority]
                flight.add_metric(of, replica.in_flight)
                idle.add_metric(of, len(replica.idle))
                breaker.add_metric(of, not replica.breaker.closed)
        yield from (waiting, streams, flight, idle, breaker)
