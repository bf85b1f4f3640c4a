"""``python -m bench.one_call``: POST /dither through the gateway, beside the engine's own job.

Call and engine take turns, each waits for the other, and each ratio is that of two neighbours: so
other load of the machine counts for both. ``--json`` also writes the figures to a file.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from PIL import Image

from bench.pipeline.world import World, running_world
from dither_engine import Options, dither_bytes
from tests.support.pictures import heic, photograph

PANEL = Options(panel="waveshare-7.3-spectra-6")
FILES = 20
GOAL = "≤ 1.5"

Case = dict[str, object]
Sent = list[tuple[str, tuple[str, bytes]]]


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def call(world: World, client: requests.Session, files: list[bytes], options: Options) -> bytes:
    sent: Sent = [("file", (f"{n}.jpg", data)) for n, data in enumerate(files)]
    fields = {"options": options.canonical_json()}
    answer = client.post(f"{world.system.url}/dither", files=sent, data=fields, timeout=120)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    return answer.content


def case(
    world: World, name: str, files: list[bytes], options: Options, rounds: int
) -> Iterator[Case]:
    client = requests.Session()

    def engine() -> list[bytes]:
        return [dither_bytes(data, options).data for data in files]

    def one_call() -> bytes:
        return call(world, client, files, options)

    if len(files) == 1 and one_call() != engine()[0]:
        raise RuntimeError("the call's picture differs from the engine's")
    ratios, engines = [], []
    for _ in range(rounds):
        before, called, after = seconds_of(engine), seconds_of(one_call), seconds_of(engine)
        engines += [before, after]
        ratios.append(2 * called / (before + after))
    ratio, low = statistics.median(ratios), min(ratios)
    print(f"{name:44} ÷ engine {ratio:6.2f} (best {low:.2f}, {GOAL})", flush=True)
    seconds = statistics.median(engines)
    yield {"name": name, "ratio": ratio, "best": low, "engine_seconds": seconds, "goal": GOAL}


def cases(world: World, rounds: int) -> Iterator[Case]:
    large = photograph(4000, 3000)
    as_heic = heic(Image.open(io.BytesIO(large)), quality=60)
    yield from case(world, "12 Mpx, JPEG → PNG, two levels", [large], Options(), rounds)
    yield from case(world, "12 Mpx, JPEG → file for Spectra 6", [large], PANEL, rounds)
    yield from case(world, "12 Mpx, HEIC → PNG, two levels", [as_heic], Options(), rounds)
    many = [photograph(1152, 868 + number) for number in range(FILES)]
    yield from case(world, f"{FILES} files of 1 Mpx → ZIP", many, Options(), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.one_call", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    with running_world("embedded") as world:
        found = list(cases(world, chosen.rounds))
    if chosen.json:
        chosen.json.write_text(json.dumps({"cases": found}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
