"""Other measurements of jobs: scaling to two cores, memory, the first call, extreme sizes.

Every job runs in its own process, so that its peak memory is measured alone.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from bench.engine.cases import photograph
from dither_engine import Options, dither, dither_bytes

SIZES = ((5000, 5000), (10_000, 10_000), (20_000, 1), (1, 20_000), (20_000, 2_000))
_LARGE = 1_000_000  # pixels; below, the memory of the process itself dominates
_FIRST = """
import sys, time
start = time.perf_counter()
from dither_engine import Options, dither_bytes
dither_bytes(open(sys.argv[1], "rb").read(), Options())
print(time.perf_counter() - start)
"""
_JOBS = {"levels": {}, "palette": {"palette": "pico-8"}, "ordered": {"algorithm": "blue-noise"}}


def main() -> None:
    """Print every figure as a line of a table."""
    jpeg, options = _jpeg(4000, 4000), Options()
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
    jobs: dict[str, Callable[[], object]] = {
        "dithered": lambda: dither(pixels, options),
        "JPEG to PNG": lambda: dither_bytes(jpeg, options),
    }
    for name, job in jobs.items():
        print(f"| two images at once, {name} | {_two_at_once(job):.2f} times as fast |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(f"| import and first call in a fresh process | {_first_call(Path(folder)):.0f} ms |")
        for width, height in SIZES:
            source = Path(folder) / f"{width}x{height}.jpg"
            source.write_bytes(_jpeg(width, height))
            for name, fields in _JOBS.items():
                found = _in_a_process(source, fields)
                line = f"| {width} × {height}, {name} | {found['seconds']:.2f} s |"
                if width * height > _LARGE:
                    beyond = found["peak"] / (width * height) - 3
                    line += f" {beyond:.1f} bytes a pixel beyond the decoded image's 3 |"
                print(line, flush=True)


def _jpeg(width: int, height: int) -> bytes:
    file = io.BytesIO()
    enlarged = Image.fromarray(photograph("astronaut")).resize((width, height))
    enlarged.save(file, "JPEG", quality=90)
    return file.getvalue()


def _two_at_once(job: Callable[[], object], rounds: int = 7) -> float:
    """Speed-up of doing a job twice with two threads instead of one; median of rounds."""
    gains = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(2):
                job()
            middle = time.perf_counter()
            for one in [pool.submit(job) for _ in range(2)]:
                one.result()
            gains.append((middle - start) / (time.perf_counter() - middle))
    return median(gains)


def _first_call(folder: Path, rounds: int = 7) -> float:
    """Minimum milliseconds for import and first dither in a fresh process, kernels cached."""
    source = folder / "first.jpg"
    source.write_bytes(_jpeg(512, 512))
    command = [sys.executable, "-c", _FIRST, str(source)]
    return min(float(subprocess.check_output(command)) for _ in range(rounds)) * 1000


def _in_a_process(source: Path, fields: object) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.engine.limits", str(source), json.dumps(fields)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _job(source: str, fields: str) -> None:
    """Run one job in this process: its seconds, and its peak memory above the level before."""
    options, picture = Options.parse(json.loads(fields)), Path(source).read_bytes()
    dither_bytes(_jpeg(64, 64), options)
    before = _peak()
    start = time.perf_counter()
    dither_bytes(picture, options, max_pixels=400_000_000)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": _peak() - before}))


def _peak() -> int:
    """The peak memory of this process since its start, in bytes, as Linux reports it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


if __name__ == "__main__":
    _job(*sys.argv[1:])
