"""What an operator sees of a request in traces, logs and metrics."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.support.broker import Broker
from tests.support.collector import Collector, Recorded, running_collector
from tests.support.pictures import photograph
from tests.support.system import System, running_system, wait_for

ADDRESS = "ann@example.org"
CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture(scope="module")
def system(
    collector: Collector,
    broker: Broker,
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    directory = tmp_path_factory.mktemp("system")
    with running_system(directory, broker, database, environment) as running:
        yield running


def uploads(collector: Collector) -> list[Recorded]:
    """The gateway's spans of uploads so far."""
    named = (span for span in collector.spans if span.name == "POST /images")
    return [span for span in named if span.service == "gateway"]


def names(collector: Collector, trace: str) -> Counter[str]:
    return Counter(f"{span.service}: {span.name}" for span in collector.trace(trace))


def has(collector: Collector, trace: str, wanted: Sequence[str]) -> bool:
    return set(wanted) <= names(collector, trace).keys()


def test_one_trace_leads_from_the_request_to_the_mail(system: System, collector: Collector) -> None:
    requests.post(
        f"{system.url}/images",
        files={"file": ("photo.jpg", photograph())},
        data={"email": ADDRESS},
        headers={"traceparent": CALLERS},
        timeout=30,
    )
    [uploaded] = wait_for(lambda: uploads(collector) or None, "upload in the traces")
    images, dithers = system.names["KAFKA_IMAGE_TOPIC"], system.names["KAFKA_DITHER_TOPIC"]
    asked = ["gateway: POST /images", "upload: POST /images"]
    told = [*asked, f"upload: send {images}"]
    made = [*told, f"dither: process {images}", "dither: dither"]
    sent = [*made, f"dither: send {dithers}"]
    wanted = [
        [*asked, "upload: storage put"],
        [*told, f"notification: process {images}", "upload: GET /recipients/{uuid}"],
        [*made, "dither: storage fetch"],
        [*made, "dither: engine dither"],
        [*made, "dither: storage put"],
        [*sent, f"upload: process {dithers}"],
        [*sent, f"notification: process {dithers}", "notification: mail"],
    ]

    def is_complete() -> bool:
        paths = collector.paths(uploaded.trace)
        return all(path[0] == asked[0] for path in paths) and all(p in paths for p in wanted)

    wait_for(is_complete, "trace with all parts")
    assert not any(span.has_failed for span in collector.trace(uploaded.trace))
    assert uploaded.attributes["http.response.status_code"] == 201
    assert collector.fields["authorization"] == "Basic abc"


def test_a_strangers_trace_is_linked_and_not_continued(
    system: System, collector: Collector
) -> None:
    linked = [span for span in uploads(collector) if span.links]
    assert [span.links for span in linked] == [[CALLERS.split("-")[1]]]
    assert not collector.trace(CALLERS.split("-")[1])


def test_each_image_of_a_burst_has_its_own_trace(system: System, collector: Collector) -> None:
    """Uploads share transactions, messages share batches, and the queue's rows share claims."""
    before = len(uploads(collector))
    system.services.stop("dither")  # so that messages wait and are handled as a batch
    for _ in range(6):
        system.upload(photograph(64, 48), email=ADDRESS)
    system.start("dither")
    wait_for(lambda: len(system.mails()) >= 7, "mails")
    new = uploads(collector)[before:]

    assert len(new) == 6
    once = ("dither: dither", "dither: engine dither", "notification: mail")
    for uploaded in new:
        wait_for(partial(has, collector, uploaded.trace, once), "parts of the trace")
        assert [names(collector, uploaded.trace)[name] for name in once] == [1, 1, 1]
    batches = {
        span.attributes["messaging.batch.message_count"]
        for span in collector.spans
        if span.service == "dither" and span.name.startswith("process images-")
    }
    assert max(batches) > 1


def test_no_span_has_a_query_an_address_or_a_signature(
    system: System, collector: Collector
) -> None:
    path = f"/images?limit=1&email={ADDRESS}"
    requests.get(f"{system.url}{path}", timeout=10)
    token = "WyJzZWNyZXQiXQ.c2lnbmF0dXJlLW9mLWEtbGluay0x"
    requests.get(f"{system.url}/mail/delete/{token}", timeout=10)
    hidden = wait_for(
        lambda: [s for s in collector.spans if s.name == "GET /mail/{action}/{token}"] or None,
        "span of a link in a mail",
    )
    assert hidden[0].attributes["url.path"] == "/mail/delete/[signed]"
    wait_for(lambda: any("url.query" in s.attributes for s in collector.spans), "span of a query")
    text = "".join(str(span) for span in collector.spans)
    assert ADDRESS not in text
    assert token not in text
    assert "limit=1" not in text


def test_metrics_and_logs_name_the_trace(system: System, collector: Collector) -> None:
    uploaded = uploads(collector)[0]
    for name, metric in {
        "upload": "http_request_duration_seconds",
        "dither": "dither_job_duration_seconds",
        "notification": "consumer_message_duration_seconds",
    }.items():
        port = system.child(name).port
        answer = requests.get(f"http://127.0.0.1:{port}/metrics", headers=OPENMETRICS, timeout=10)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        families = text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]
        [family] = [family for family in families if family.name == metric]
        ids = {s.exemplar.labels["trace_id"] for s in family.samples if s.exemplar}
        assert ids & {span.trace for span in collector.spans}
    for name in ("gateway", "upload"):
        lines = [json.loads(line) for line in system.log(name).splitlines() if "{" in line]
        assert any(line.get("trace_id") == uploaded.trace for line in lines)


def test_health_and_metrics_are_not_traced(system: System, collector: Collector) -> None:
    routes = {span.attributes.get("http.route") for span in collector.spans}
    assert "/images" in routes
    assert not routes & {"/health", "/metrics"}
