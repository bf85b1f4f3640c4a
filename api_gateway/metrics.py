"""What the gateway counts, for Prometheus (``GET /metrics``)."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from api_gateway.clients import Clients
from api_gateway.request import Request
from api_gateway.upstream import Upstream

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, inf)

_Labels = tuple[str, str, str, int, str]  # method, route, upstream, status, cache


class _Durations:
    """One child of a histogram: the library's takes a lock for each of its three numbers."""

    __slots__ = ("counts", "sent", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_BUCKETS)
        self.total = 0.0
        self.sent = 0


class Metrics(Collector):
    """Counted in the one thread there is, and put together when somebody reads."""

    def __init__(self, upstreams: Mapping[str, Upstream], clients: Clients) -> None:
        self._requests: defaultdict[_Labels, _Durations] = defaultdict(_Durations)
        self._limited: Counter[str] = Counter()
        self._filtered: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(_State(upstreams, clients))
        ProcessCollector(registry=self._registry)

    def observe(self, request: Request, seconds: float) -> None:
        durations = self._requests[
            request.method, request.route, request.upstream, request.status, request.cache
        ]
        durations.counts[bisect_left(_BUCKETS, seconds)] += 1
        durations.total += seconds
        durations.sent += request.sent_bytes
        if request.limited:
            self._limited[request.limited] += 1
        if request.rule:
            self._filtered[request.rule] += 1

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        duration = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Requests, by route, the service behind it, and what the cache was to them",
            labels=["method", "route", "upstream", "status", "cache"],
        )
        sent: Counter[str] = Counter()
        for labels, found in self._requests.items():
            buckets = zip(map(floatToGoString, _BUCKETS), accumulate(found.counts), strict=True)
            duration.add_metric([str(label) for label in labels], list(buckets), found.total)
            sent[labels[1]] += found.sent
        yield duration
        yield _counter("http_response_bytes", "Bytes of bodies sent", "route", sent)
        yield _counter("gateway_rate_limited", "Requests over a limit", "limit", self._limited)
        yield _counter("gateway_filtered", "Requests that a rule caught", "rule", self._filtered)


def _counter(name: str, what: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, what, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


class _State(Collector):
    """What is read when it is asked for."""

    def __init__(self, upstreams: Mapping[str, Upstream], clients: Clients) -> None:
        self._upstreams = upstreams
        self._clients = clients

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "gateway_client_connections", "Clients connected", len(self._clients.connections)
        )
        refused = {str(status): count for status, count in self._clients.refused.items()}
        yield _counter(
            "gateway_refused_connections", "Connections that sent no valid HTTP", "status", refused
        )
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
