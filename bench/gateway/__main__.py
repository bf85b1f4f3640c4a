"""Our gateway and nginx, side by side: ``python -m bench.gateway [--json FILE]``.

One process each, the same services behind both, interleaved rounds; of each case the medians over
the rounds and the median of the rounds' ratios. Ours has everything on (filter, limits, cache,
access log, metrics), nginx its access log.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.gateway.servers import NGINX, Servers, running
from bench.gateway.upstream import UUID

SCRIPT = Path(__file__).parent / "wrk.lua"
LARGE_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Measured:
    per_second: float
    p50_ms: float


@dataclass(frozen=True)
class Case:
    """``ours`` and ``other`` are measured in turn; ``base`` is taken off a latency."""

    name: str
    goal: str
    unit: str
    path: str
    ours: int
    other: int
    against: str = "nginx"
    connections: int = 16
    upload: bool = False
    base: int | None = None


def measure(port: int, case: Case, seconds: float) -> Measured:
    command = ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds:g}s", "--timeout", "20s"]
    command += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}{case.path}"]
    environment = {**os.environ, "UPLOAD_BYTES": str(LARGE_BYTES if case.upload else 0)}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(output.stdout.strip().splitlines()[-1])
    if found["errors"]:
        raise SystemExit(f"{case.name}: {found['errors']} errors at port {port}")
    return Measured(found["requests"] / found["seconds"], found["p50_ms"])


def value_of(case: Case, port: int, seconds: float) -> float:
    measured = measure(port, case, seconds)
    if case.unit == "ms":
        assert case.base is not None
        return measured.p50_ms - measure(case.base, case, seconds).p50_ms
    return measured.per_second * (LARGE_BYTES / 1e6 if case.unit == "MB/s" else 1)


def cases(s: Servers) -> list[Case]:
    image = f"/images/{UUID}"
    direct = Case("", "", "ms", image, s.ours_to_free, s.nginx_to_free, connections=1, base=s.free)
    return [
        Case("small JSON", "≥ 0.60", "req/s", image, s.ours_to_asgi, s.nginx_to_asgi),
        Case(
            "small JSON, a service that costs nothing", "", "req/s", image, s.ours_to_free,
            s.nginx_to_free,
        ),
        Case(
            "added median latency, 1 connection", "ours ≤ 0.5 ms", "ms", image, direct.ours,
            direct.other, connections=1, base=s.free,
        ),
        Case(
            "10 MB download", "≥ 0.70", "MB/s", "/files/large", s.ours_to_free, s.nginx_to_free,
            connections=2,
        ),
        Case(
            "10 MB upload", "≥ 0.70", "MB/s", "/images", s.ours_to_free, s.nginx_to_free,
            connections=2, upload=True,
        ),
        Case(
            "cache hit", "≥ 0.80", "req/s", "/files/small.png", s.ours_to_free, s.asgi,
            against="a plain ASGI hello",
        ),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.gateway", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--only", default="", help="cases whose names begin so")
    chosen = parser.parse_args()
    if not shutil.which("wrk") or not Path(NGINX).exists():
        sys.exit("wrk and nginx are needed: apt-get install wrk nginx-light")
    results = []
    with running() as servers:
        for case in cases(servers):
            if not case.name.startswith(chosen.only):
                continue
            rounds = [
                (
                    value_of(case, case.ours, chosen.seconds),
                    value_of(case, case.other, chosen.seconds),
                )
                for _ in range(chosen.rounds)
            ]
            ours, other = (median(values) for values in zip(*rounds, strict=True))
            ratio = median(a / b for a, b in rounds)
            results.append(
                {
                    "name": case.name,
                    "ours": round(ours, 3),
                    "nginx": round(other, 3),
                    "ratio": round(ratio, 3),
                    "unit": case.unit,
                    "against": case.against,
                    "goal": case.goal,
                }
            )
            print(
                f"{case.name:42} ours {ours:10,.2f} {case.unit:6} {case.against} {other:10,.2f} "
                f"{case.unit:6} ratio {ratio:5.2f}  {case.goal}",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps({"cases": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
