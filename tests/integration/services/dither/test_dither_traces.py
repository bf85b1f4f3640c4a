"""What a dither belongs to is stored with it: it may be worked on later, by another process."""

from dataclasses import replace

import pytest

from dither_service import dispatcher, models
from dither_service.settings import DitherSettings
from shared.context import Origin, sampled_trace_id
from shared.database import Database
from shared.kafka.codec import Received
from shared.storage import StorageRefusedError
from tests.integration.services.dither.announcing import NoUploads, Storage, announced
from tests.integration.services.dither.working import EngineHere, WorkingService, work_off
from tests.integration.services.support import empty, rows, run
from tests.support.recording import recorded_spans

PLACES = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)]
TRACES = [place.split("-")[1] for place in PLACES]


@pytest.fixture
def storage(tables: Database) -> Storage:
    empty(tables, models.metadata)
    return Storage()


def process(tables: Database, storage: Storage) -> WorkingService:
    """A process whose dispatcher runs only if the test lets it."""
    return WorkingService(DitherSettings(), tables, storage, NoUploads(), EngineHere())


def traced(storage: Storage, number: int) -> Received:
    origin = Origin(f"request-{number}", PLACES[number])
    return replace(announced(storage), **origin._asdict())


def told(tables: Database) -> dict[str, str | None]:
    """The trace of each message in the outbox, by its request."""
    found = rows(tables, "SELECT request_id, traceparent FROM dither.outbox")
    return {request_id: sampled_trace_id(traceparent) for request_id, traceparent in found}


def test_jobs_of_another_process_go_on_in_the_traces_of_their_requests(
    tables: Database, storage: Storage
) -> None:
    process(tables, storage).queue_images([traced(storage, 0), traced(storage, 1)])
    run(tables, "UPDATE dither.dithers SET claimed_until = NULL, attempts = 0")  # it has crashed
    with recorded_spans() as spans:
        work_off(process(tables, storage))

    assert told(tables) == {"request-0": TRACES[0], "request-1": TRACES[1]}
    jobs = [span for span in spans.get_finished_spans() if span.name == "dither"]
    assert sorted(f"{job.context.trace_id:032x}" for job in jobs if job.context) == TRACES
    places = {f"{job.context.span_id:016x}" for job in jobs if job.context}
    sent = rows(tables, "SELECT traceparent FROM dither.outbox")
    assert {place.split("-")[2] for (place,) in sent} == places


def test_a_dither_that_fails_tells_so_in_its_trace(
    tables: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageRefusedError("no")

    message = traced(storage, 0)
    monkeypatch.setattr(storage, "fetch", refuse)
    working = process(tables, storage)
    with recorded_spans() as spans:
        working.queue_images([message])
        work_off(working)
    assert told(tables) == {"request-0": TRACES[0]}
    [job] = [span for span in spans.get_finished_spans() if span.name == "dither"]
    assert not job.status.is_ok


def test_without_a_collector_rows_have_no_place_in_a_trace(
    tables: Database, storage: Storage
) -> None:
    working = process(tables, storage)
    working.queue_images([announced(storage)])
    work_off(working)
    assert rows(tables, "SELECT traceparent FROM dither.outbox") == [(None,)]
    assert rows(tables, "SELECT traceparent FROM dither.dithers") == [(None,)]


def test_the_queue_is_measured_as_long_as_there_is_one(tables: Database, storage: Storage) -> None:
    """Other processes work on it, too."""

    def shown() -> float:
        [metric] = dispatcher.QUEUE_SECONDS.collect()
        return float(metric.samples[0].value)

    working = process(tables, storage)
    working.queue_images([announced(storage)])
    run(tables, "UPDATE dither.dithers SET cost = 7, claimed_until = now() + interval '1 hour'")
    working.dispatcher.look_soon()
    working.dispatcher.step(0)
    assert shown() == 7
    run(tables, "UPDATE dither.dithers SET status = 'done'")
    working.dispatcher.health()
    assert shown() == 0
