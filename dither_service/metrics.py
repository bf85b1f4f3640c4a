"""What is measured, and recorded in traces, of each dither job."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prometheus_client import Histogram

from shared.tracing import exemplar, span

JOB_SECONDS = Histogram(
    "dither_job_duration_seconds",
    "Time of a job: fetch, engine, store; by lane and outcome (done, failed)",
    ["lane", "outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
WAIT_SECONDS = Histogram(
    "dither_wait_seconds",
    "Time from the request for a dither until its job begins",
    ["lane"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)

# Shown from the start, see ``shared.metrics.show_from_the_start``.
for _lane in ("quick", "slow"):
    WAIT_SECONDS.labels(_lane)
    for _outcome in ("done", "failed"):
        JOB_SECONDS.labels(_lane, _outcome)


@contextmanager
def observed_job(slow: bool, waited: timedelta) -> Iterator[None]:
    """``waited``: since the request."""
    lane = "slow" if slow else "quick"
    started = time.perf_counter()
    outcome = "failed"
    with span("dither", attributes={"dither.lane": lane}):
        WAIT_SECONDS.labels(lane).observe(max(0.0, waited.total_seconds()), exemplar())
        try:
            yield
            outcome = "done"
        finally:
            seconds = time.perf_counter() - started
            JOB_SECONDS.labels(lane, outcome).observe(seconds, exemplar())
