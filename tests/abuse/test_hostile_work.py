"""Files and options that take much: they harm neither the service nor those who use it meanwhile.

Each test attacks a running system, and looks how long the first dither of somebody else takes and
how much memory the services have. ``ABUSE=full`` repeats more often and compares times with their
limits; otherwise only minutes count as wrong, so that a busy machine fails no test.
"""

import io
import logging
import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
import yaml
from PIL import Image

from tests.support.pictures import black_png, picture
from tests.support.system import System, wait_for

logger = logging.getLogger(__name__)

FULL = os.environ.get("ABUSE") == "full"
VISITS = 20 if FULL else 3
WRONG_SECONDS = 30.0  # in the short form
VALUES = yaml.safe_load((Path(__file__).parents[2] / "deploy/helm/values.yaml").read_text())
SMALL = picture("PNG", (64, 48))
PALETTE = [c.tobytes().hex() for c in np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)]
# About half a minute of work for each picture of 100 × 100.
EXPENSIVE = {
    "algorithm": "knoll",
    "palette": PALETTE,
    "distance": "ciede2000",
    "candidates": 64,
}


def noise(side: int = 100) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def small_webp_animation() -> bytes:
    """100 frames of 4 megapixels in a few kilobytes."""
    frames = [Image.new("L", (2000, 2000), 40 + number) for number in range(100)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], method=0, quality=1)
    return file.getvalue()


def jpeg_of_parts(part: bytes, count: int) -> bytes:
    """A JPEG whose first segments are so many copies of ``part``."""
    data = picture("JPEG", (64, 48), progressive=True)
    return data[:2] + part * count + data[2:]


def jpeg_of_scans(count: int) -> bytes:
    data = picture("JPEG", (2000, 1500), progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:-2] + data[at:-2] * count + data[-2:]


# What is measured.


def first_dither(system: System) -> float:
    """Seconds from the upload of somebody's small picture until it is dithered."""
    begun = time.monotonic()
    uuid = system.upload(SMALL)["uuid"]
    system.dithered(uuid, seconds=300)
    return time.monotonic() - begun


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


@pytest.fixture(scope="module")
def idle(system: System) -> float:
    """What it takes when nobody attacks."""
    first_dither(system)
    return p95([first_dither(system) for _ in range(VISITS)])


@pytest.fixture
def others_are_served(system: System, idle: float) -> Callable[[], None]:
    def check() -> None:
        taken = p95([first_dither(system) for _ in range(VISITS)])
        logger.info("others' first dither: %.2f s, idle: %.2f s", taken, idle)
        assert taken <= (max(2 * idle, 1.0) if FULL else WRONG_SECONDS)

    return check


def allowed_memory(service: str) -> int:
    """Bytes that the Helm chart allows a service."""
    limit = VALUES[service]["resources"]["limits"]["memory"]
    return int(limit[:-2]) << {"Mi": 20, "Gi": 30}[limit[-2:]]


def memory_of(pid: int) -> int:
    """Bytes of a process and all below it; what they share counts once."""
    total = 0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


@contextmanager
def within_memory(system: System, *services: str) -> Iterator[None]:
    """Asserts that the services stay the same processes within their memory."""
    pids = {name: _pid(system, name) for name in services}
    most, ended = dict.fromkeys(services, 0), threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for name, pid in pids.items():
                most[name] = max(most[name], memory_of(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    for name, size in most.items():
        logger.info("%s: %d MB at most", name, size >> 20)
        assert size <= allowed_memory(name)
        assert pids[name] == _pid(system, name), "it was restarted"


def _pid(system: System, name: str) -> int:
    process = system.child(name).process
    assert process is not None
    return process.pid


def outcome(system: System, uuid: str, seconds: float = 120) -> dict[str, Any]:
    """The image's dither when it is done or failed."""

    def look() -> dict[str, Any] | None:
        settled = [d for d in system.image(uuid)["dithers"] if d["status"] != "queued"]
        return settled[0] if settled else None

    return wait_for(look, f"outcome of {uuid}", seconds=seconds)


def is_healthy(system: System) -> bool:
    return bool(requests.get(f"{system.url}/health", timeout=30).json()["status"] == "ok")


# The attacks.


def test_c1_options_that_an_encoder_refuses_halt_nobody(
    system: System, others_are_served: Callable[[], None]
) -> None:
    line = black_png(16_384, 1)
    uuids = [system.upload(line, options='{"format": "webp"}')["uuid"] for _ in range(21)]
    for uuid in uuids:
        dither = outcome(system, uuid)
        assert (dither["status"], "16,383 pixels a side" in dither["reason"]) == ("failed", True)
    others_are_served()
    assert is_healthy(system)


def test_c2_a_small_file_with_many_large_frames(
    system: System, others_are_served: Callable[[], None]
) -> None:
    bomb = small_webp_animation()
    assert len(bomb) < 300_000
    with within_memory(system, "dither", "upload"):
        answers = [
            requests.post(f"{system.url}/images", files={"file": ("a.webp", bomb)}, timeout=60)
            for _ in range(3)
        ]
        for answer in answers:
            assert answer.status_code in {201, 422}
            if answer.status_code == 201:
                dither = outcome(system, answer.json()["uuid"])
                assert dither["status"] == "done" or "memory" in dither["reason"]
        others_are_served()
    assert is_healthy(system)


def test_c4_work_that_takes_minutes_is_nobody_else_s_matter(
    system: System, others_are_served: Callable[[], None]
) -> None:
    options = str(EXPENSIVE).replace("'", '"')
    uuids = [system.upload(noise(), options=options)["uuid"] for _ in range(12)]
    others_are_served()
    uuid = system.upload(SMALL)["uuid"]
    link = system.dithered(uuid, seconds=60)["dithers"][0]["url_dither"]
    requests.delete(f"{system.url}/images/{uuid}", timeout=30).raise_for_status()
    wait_for(lambda: requests.get(link, timeout=30).status_code == 404, "end of a file", seconds=60)
    for uuid in uuids:
        requests.delete(f"{system.url}/images/{uuid}", timeout=30).raise_for_status()
    wait_for(lambda: _claimed(system) == 0, "end of the deleted images' work", seconds=60)


def _claimed(system: System) -> int:
    port = system.child("dither").port
    health = requests.get(f"http://127.0.0.1:{port}/health", timeout=30).json()
    return int(health["parts"]["dispatcher"]["claimed"])


def test_c4_work_that_is_too_much_is_refused_with_the_number(system: System) -> None:
    options = str({**EXPENSIVE, "width": 400}).replace("'", '"')
    dither = outcome(system, system.upload(noise(), options=options)["uuid"])
    assert re.search(r"about [\d,]+ seconds of computing; at most 60", dither["reason"])
    answer = _preview(system, options)
    assert answer.status_code == 422
    assert "at most 8 are allowed" in answer.json()["detail"]


def test_c4_previews_that_take_long_leave_a_place_for_others(system: System) -> None:
    slow = str({**EXPENSIVE, "width": 40}).replace("'", '"')
    with ThreadPoolExecutor(3) as clients:
        running = [clients.submit(_preview, system, slow) for _ in range(3)]
        for _ in range(VISITS):
            begun = time.monotonic()
            answer = _preview(system, "{}")
            assert answer.status_code == 200, answer.text
            assert time.monotonic() - begun < WRONG_SECONDS
        assert {each.result().status_code for each in running} <= {200, 422, 503, 504}


def _preview(system: System, options: str) -> requests.Response:
    return requests.post(
        f"{system.url}/preview",
        files={"file": ("a.png", noise())},
        data={"options": options},
        timeout=120,
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg_of_scans(12_000), id="scans"),
        pytest.param(jpeg_of_parts(b"\xff\xe1\x00\x10Exif\0\0MM\0*\0\0\0\x08", 5000), id="exif"),
        pytest.param(jpeg_of_parts(b"\xff\xfe\x00\x04ab", 500_000), id="comments"),
    ],
)
def test_c4_files_of_many_parts_hold_no_upload(
    system: System, others_are_served: Callable[[], None], data: bytes
) -> None:
    with ThreadPoolExecutor(4) as clients:
        answers = [
            clients.submit(
                requests.post, f"{system.url}/images", files={"file": ("a.jpg", data)}, timeout=60
            )
            for _ in range(4)
        ]
        others_are_served()
        for answer in answers:
            assert answer.result().status_code in {201, 413, 422, 503}


def test_h1_files_whose_decoders_need_much_memory(system: System) -> None:
    """Six megabytes for each of 50 megapixels would be three hundred for one file."""
    file = io.BytesIO()
    Image.new("RGB", (7000, 7000), (9, 99, 200)).save(file, "WEBP", lossless=True, method=0)
    progressive = picture("JPEG", (7000, 7000), progressive=True, subsampling=0)
    with within_memory(system, "upload", "dither"), ThreadPoolExecutor(6) as clients:
        answers = [
            clients.submit(
                requests.post, f"{system.url}/images", files={"file": ("a", data)}, timeout=120
            )
            for data in [file.getvalue(), progressive] * 3
        ]
        for answer in answers:
            assert answer.result().status_code in {201, 422, 503}, answer.result().text
            if answer.result().status_code == 201:
                outcome(system, answer.result().json()["uuid"], 240)


def test_h4_a_list_is_bounded(system: System) -> None:
    uuid = system.upload(SMALL)["uuid"]
    for number in range(30):
        answer = requests.post(
            f"{system.url}/images/{uuid}/2", json={"contrast": 2 + number / 100}, timeout=30
        )
        assert answer.status_code in {200, 202}
    system.dithered(uuid, count=30)
    [shown] = [
        each
        for each in requests.get(f"{system.url}/images", timeout=30).json()["items"]
        if each["uuid"] == uuid
    ]
    assert len(shown["dithers"]) == 20
    rest = requests.get(shown["dithers_url"], timeout=30).json()
    assert len(rest["dithers"]) == 31
