"""The services must report the same in ``GET /health`` and in ``GET /metrics``."""

import time
from collections import defaultdict
from collections.abc import Iterator

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.world import SERVICES, World

# The field in the health report, and its metric.
CONSUMER = {
    "lag": "consumer_lag_messages",
    "in_flight": "consumer_in_flight_messages",
    "retries": "consumer_retries_total",
    "dead_letters": "consumer_dead_letters_total",
}
OUTBOX = {"pending": "outbox_pending_messages", "age_seconds": "outbox_age_seconds"}
WITH_OUTBOX = ("upload", "dither")
AGREE_SECONDS = 30.0  # health and lag are updated once a second


def telemetry_misses(world: World) -> list[str]:
    """Values that are missing, or still differ a while after all work has ended."""
    deadline = time.monotonic() + AGREE_SECONDS
    while (found := list(_misses(world))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _misses(world: World) -> Iterator[str]:
    for name in SERVICES:
        metrics = _metrics(world, name)  # first: this request updates the metrics
        parts = _parts(world, name)
        shown = [("consumer", CONSUMER), *([("outbox", OUTBOX)] if name in WITH_OUTBOX else [])]
        for part, fields in shown:
            for field, metric in fields.items():
                told, measured = parts[part].get(field), metrics.get(metric)
                if told is None or told != measured:
                    yield f"{name}: {part}.{field} is {told}, {metric} is {measured}"


def dead_letters_shown(world: World) -> int:
    """The number of dead letters that all services report."""
    return sum(int(_parts(world, name)["consumer"]["dead_letters"]) for name in SERVICES)


def _parts(world: World, name: str) -> dict[str, dict[str, float]]:
    answer = requests.get(f"{_url(world, name)}/health", timeout=10)
    return dict(answer.json()["parts"])


def _metrics(world: World, name: str) -> dict[str, float]:
    """Metric values by sample name, summed over the consumer groups of the service."""
    text = requests.get(f"{_url(world, name)}/metrics", timeout=10).text
    sums: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return dict(sums)


def _url(world: World, name: str) -> str:
    return f"http://127.0.0.1:{world.system.child(name).port}"
