"""``make bench-pipeline``: the whole system compared with the engine alone, busy and idle.

``BROKER=kafka`` uses a real Apache Kafka instead of the embedded broker. ``--json`` also writes
the figures to a file, ``--only`` selects parts (load, latency, backlog, idle, start, processes),
``--idle`` is how many seconds the idle system is measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.pipeline import replicas
from bench.pipeline.clients import Client, upload_form, upload_many
from bench.pipeline.waiting import until
from bench.pipeline.world import World, running_world, started_in
from dither_engine import Options, dither_bytes
from standalone.ports import free_port
from tests.support.pictures import photograph

SIZES = {"0.25 Mpx": (576, 434), "4 Mpx": (2304, 1736)}
IMAGES = {"0.25 Mpx": 600, "4 Mpx": 120}
RATIO_GOALS = {"0.25 Mpx": "≥ 0.35", "4 Mpx": "≥ 0.75"}
CLIENTS = 8
ENGINE_THREADS = 2
WARM_UP = 30
LATENCIES = 30
BACKLOG = 999  # an image has 1,000 dithers at most, its first one included
DONE = "SELECT count(*) FROM upload.images WHERE status = 'dithered'"
LAST_DONE = "SELECT extract(epoch FROM max(created_at)) FROM upload.dithers"

Case = dict[str, object]


def case(name: str, value: float, unit: str, goal: str | None = None) -> Case:
    print(f"{name:62} {value:10,.3f} {unit:12} {goal or ''}", flush=True)
    return {"name": name, "value": round(value, 4), "unit": unit, "goal": goal}


def bare_engine(jobs: list[tuple[bytes, Options]]) -> tuple[float, float]:
    """Images per second and CPU seconds per image, of the engine alone in two threads."""
    with ThreadPoolExecutor(ENGINE_THREADS) as pool:
        list(pool.map(lambda job: dither_bytes(*job), jobs[:4]))
        begun, busy = time.monotonic(), time.process_time()
        list(pool.map(lambda job: dither_bytes(*job), jobs))
        taken, cpu = time.monotonic() - begun, time.process_time() - busy
    return len(jobs) / taken, cpu / len(jobs)


def upload_and_wait(world: World, image: bytes, count: int) -> tuple[float, float]:
    """Seconds until all uploads were accepted, and until all of them were dithered."""
    wanted = world.ask(DONE) + count
    begun = time.time()
    upload_many(world.system.port, image, count, CLIENTS)
    accepted = time.time() - begun
    until(lambda: world.ask(DONE) >= wanted, "dithers")
    return accepted, world.ask(LAST_DONE) - begun


def under_load(world: World, size: str) -> Iterator[Case]:
    image, count = photograph(*SIZES[size]), IMAGES[size]
    upload_and_wait(world, image, WARM_UP)
    engine_rate, engine_cpu = bare_engine([(image, Options(channels=2))] * count)
    transactions, before = world.transactions(), world.cpu()
    accepted, dithered = upload_and_wait(world, image, count)
    after = world.cpu()
    transactions = world.transactions() - transactions
    engine_again, _ = bare_engine([(image, Options(channels=2))] * count)
    engine_rate = (engine_rate + engine_again) / 2
    used = {name: (after[name] - before[name]) / count for name in after}
    ours = sum(seconds for name, seconds in used.items() if name != "broker" or not KAFKA)
    yield case(f"{size}: bare engine, two threads", engine_rate, "images/s")
    yield case(f"{size}: accepted", count / accepted, "images/s")
    yield case(f"{size}: dithered", count / dithered, "images/s")
    ratio = count / dithered / engine_rate
    yield case(f"{size}: whole system ÷ bare engine", ratio, "", RATIO_GOALS[size])
    for name, seconds in used.items():
        yield case(f"{size}: CPU an image, {name}", seconds * 1000, "ms")
    yield case(f"{size}: CPU an image, of which the engine", engine_cpu * 1000, "ms")
    goal = "≤ 12" if size == "0.25 Mpx" else None
    what = "all processes" if not KAFKA else "all processes but Kafka's"
    yield case(f"{size}: CPU beyond the engine, {what}", (ours - engine_cpu) * 1000, "ms", goal)
    yield case(f"{size}: transactions an image", transactions / count, "", "≤ 3")
    yield case(f"{size}: database connections", world.connections(), "", "≤ 5")
    with world.statements() as found:
        upload_and_wait(world, image, count // 4)
    yield case(f"{size}: statements an image", found[0] / (count // 4), "")


def latencies(world: World) -> Iterator[Case]:
    form, taken = upload_form(photograph(1152, 868)), []
    client = Client(world.system.port)
    upload_and_wait(world, photograph(1152, 868), CLIENTS)  # the first ones load the kernels
    for _ in range(LATENCIES):
        time.sleep(0.3)
        uuid = json.loads(client.upload(form))["uuid"]
        answered = time.monotonic()
        query = f"SELECT count(*) FROM upload.dithers WHERE image_uuid = '{uuid}' AND status='done'"
        until(lambda query=query: world.ask(query) > 0, "link", pause=0.002)  # type: ignore[misc]
        taken.append((time.monotonic() - answered) * 1000)
    yield case("1 Mpx, idle: answer → link, median", statistics.median(taken), "ms", "≤ 50")
    yield case("1 Mpx, idle: answer → link, p95", statistics.quantiles(taken, n=20)[-1], "ms")


def backlog(world: World) -> Iterator[Case]:
    """Further dithers of one image, queued while no consumer is running."""
    image = photograph(*SIZES["0.25 Mpx"])
    wanted = [
        Options(channels=2 + number % 250, contrast=1 + number // 250 / 8)
        for number in range(1, BACKLOG + 1)
    ]
    rate, _ = bare_engine([(image, options) for options in wanted])
    uuid = json.loads(Client(world.system.port).upload(upload_form(image)))["uuid"]
    done = f"SELECT count(*) FROM dither.dithers WHERE image_uuid = '{uuid}' AND status = 'done'"
    until(lambda: world.ask(done) > 0, "first dither")
    _queue(world, uuid, wanted)
    world.system.start("dither")
    until(lambda: world.ask(done) == BACKLOG + 1, "further dithers")
    begun_and_ended = (
        "SELECT extract(epoch FROM max(finished_at) - min(finished_at)) FROM dither.dithers"
        f" WHERE image_uuid = '{uuid}' AND channels <> 2"
    )
    done_rate = BACKLOG / world.ask(begun_and_ended)
    yield case(f"{BACKLOG} further dithers of one image: done", done_rate, "dithers/s")
    yield case(f"{BACKLOG} further dithers: ÷ bare engine", done_rate / rate, "", "≥ 0.5")
    told = f"SELECT count(*) FROM upload.dithers WHERE image_uuid = '{uuid}' AND status = 'done'"
    until(lambda: world.ask(told) == BACKLOG + 1, "further dithers told")


def _queue(world: World, uuid: str, wanted: list[Options]) -> None:
    """Queue dithers in a dither service without a consumer; the one with a consumer is stopped."""
    child = world.system.child("dither")
    world.system.services.stop("dither")
    port = free_port()
    api = subprocess.Popen(
        [sys.executable, "-m", child.module, "--only", "api"],
        env={**child.environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: _answers(port), "dither API")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda part: _ask_for(port, uuid, part), [wanted[n::4] for n in range(4)]))
    until(
        lambda: world.ask("SELECT count(*) FROM dither.outbox WHERE published_at IS NULL") == 0,
        "requests published",
    )
    api.terminate()
    api.wait()


def _ask_for(port: int, uuid: str, wanted: list[Options]) -> None:
    client = Client(port)
    for options in wanted:
        body = json.dumps({"contrast": options.contrast}).encode()
        client.dither(uuid, options.most_levels, body)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:
        return False


def idle(world: World, seconds: float) -> Iterator[Case]:
    time.sleep(90)  # until the work left over from the load is finished
    before, begun = world.cpu(), time.monotonic()
    with world.statements() as found:
        time.sleep(seconds)
    taken, after = time.monotonic() - begun, world.cpu()
    used = {name: (after[name] - before[name]) / taken * 100 for name in after}
    for name, share in used.items():
        yield case(f"idle: CPU, {name}", share, "% of a core")
    ours = sum(share for name, share in used.items() if name != "broker" or not KAFKA)
    what = "all processes" if not KAFKA else "all processes but Kafka's"
    yield case(f"idle: CPU, {what}", ours, "% of a core", "≤ 2")
    yield case(f"idle: statements in {seconds:.0f} s", found[0], "", "0")


def starts() -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        port = free_port()
        yield case("first start", started_in(Path(directory), port), "s", "≤ 6")
        again = [started_in(Path(directory), port) for _ in range(3)]
        yield case("next start, median of three", statistics.median(again), "s", "≤ 4")


def processes() -> Iterator[Case]:
    """What more dither processes bring, if the storage takes its time."""
    alone = 0.0
    for count, rate in replicas.rates(BROKER):
        alone = alone or rate
        yield case(f"slow storage, dither processes: {count}: done", rate, "dithers/s")
        yield case(f"slow storage, dither processes: {count}: ÷ one", rate / alone, "")


KAFKA = os.environ.get("BROKER") == "kafka"
BROKER = "kafka" if KAFKA else "embedded"


def cases(only: list[str], idle_seconds: float) -> Iterator[Case]:
    if "start" in only and not KAFKA:
        yield from starts()
    if "processes" in only:
        yield from processes()
    if not set(only) - {"start", "processes"}:
        return
    with running_world(BROKER) as world:
        if "load" in only:
            for size in SIZES:
                yield from under_load(world, size)
        if "latency" in only:
            yield from latencies(world)
        if "backlog" in only:
            yield from backlog(world)
        if "idle" in only:
            yield from idle(world, idle_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.pipeline", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parts = ["load", "latency", "backlog", "idle", "start", "processes"]
    parser.add_argument("--only", nargs="+", default=parts, choices=parts)
    parser.add_argument("--idle", type=float, default=60, help="seconds of the idle system")
    chosen = parser.parse_args()
    print(f"broker: {'Apache Kafka' if KAFKA else 'embedded'}", flush=True)
    found = list(cases(chosen.only, chosen.idle))
    if chosen.json:
        chosen.json.write_text(json.dumps({"cases": found}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
