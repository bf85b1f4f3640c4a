"""Throughput, CPU cost and fairness of the edge: ``python -m bench.edge [--json FILE]``.

The gateway behind it is minimal: an nginx with one worker and a constant answer. The edge has all
features on. The first part measures requests per second with 16 connections, each request from
another client, so that no limit is reached. The second part measures the 99th percentile of one
well-behaved client: alone, beside 500 sockets with half a header, and beside a client that sends
ten times its limit.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import psutil

from standalone.ports import free_port
from tests.edge.running import Process, missing, running_edge

SCRIPT = Path(__file__).parent / "wrk.lua"
IMAGE = "/images/0f8fad5b-d9cb-469f-a165-70867728950e"
FILE = "/files/0f8fad5b-d9cb-469f-a165-70867728950e.png"
SLOW_SOCKETS = 500
LIMIT = 100  # requests per second and client, see clients.conf
GATEWAY = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
  scgi_temp_path s;
  server {
    listen 127.0.0.1:%d;
    location / { return 200 '{"uuid": "0f8fad5b-d9cb-469f-a165-70867728950e", "dithers": []}'; }
    location /files/ {
      add_header Cache-Control "public, max-age=31536000, immutable";
      return 200 "%s";
    }
  }
}
"""


@contextmanager
def gateway() -> Iterator[Process]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)  # nginx' worker is another user when this is root
        port = free_port()
        config = home / "nginx.conf"
        config.write_text(GATEWAY % (port, "x" * 2000))
        command = ["/usr/sbin/nginx", "-p", name, "-c", str(config)]
        process = Process(command, port, home / "start.log")
        try:
            yield process
        finally:
            process.stop()


def wrk(port: int, path: str, *, connections: int, seconds: float) -> list[str]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "--latency"]
    return [*command, "-s", str(SCRIPT), f"http://127.0.0.1:{port}{path}"]


def measure(command: list[str], **environment: object) -> dict[str, float]:
    merged = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    output = subprocess.run(command, env=merged, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


def cpu_seconds(server: Process) -> float:
    """CPU seconds of the master and its workers so far."""
    master = psutil.Process(server.process.pid)
    times = [p.cpu_times() for p in [master, *master.children()]]
    return sum(t.user + t.system for t in times)


def throughput(
    direct: Process, edge: Process, rounds: int, seconds: float
) -> list[dict[str, object]]:
    """Requests per second depend on the machine's other load; CPU per request hardly does."""
    cases = (
        ("a constant, without the edge", direct, IMAGE),
        ("inspected and passed on", edge, IMAGE),
        (
            "inspected, with ten options",
            edge,
            f"{IMAGE}?" + "&".join(f"o{n}=0.5" for n in range(10)),
        ),
        ("a cached file of 2 KB", edge, FILE),
    )
    found: dict[str, list[dict[str, float]]] = {name: [] for name, _, _ in cases}
    for _ in range(rounds):
        for name, server, path in cases:
            before = cpu_seconds(server)
            result = measure(wrk(server.port, path, connections=16, seconds=seconds))
            used = cpu_seconds(server) - before
            found[name].append({**result, "cpu_us": used * 1e6 / result["requests"]})
    return [
        {
            "name": name,
            "per_second": round(median(r["per_second"] for r in results)),
            "p50_ms": round(median(r["p50_ms"] for r in results), 2),
            "cpu_us": round(median(r["cpu_us"] for r in results)),
            "refused": sum(r["refused"] for r in results),
        }
        for name, results in found.items()
    ]


def fairness(edge: int, rounds: int, seconds: float) -> dict[str, object]:
    """The client sends fifty requests a second, half of its limit."""
    honest = wrk(edge, IMAGE, connections=1, seconds=seconds)
    flooding = wrk(edge, IMAGE, connections=LIMIT // 10, seconds=seconds + 3)
    alone, slow, flood, refused = [], [], [], []
    for _ in range(rounds):
        alone.append(measure(honest, CLIENT="192.0.2.1", DELAY_MS=20)["p99_ms"])
        with ExitStack() as sockets:
            for _ in range(SLOW_SOCKETS):
                half = sockets.enter_context(socket.create_connection(("127.0.0.1", edge)))
                half.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
            slow.append(measure(honest, CLIENT="192.0.2.1", DELAY_MS=20)["p99_ms"])
        paced = {**os.environ, "CLIENT": "192.0.2.2", "DELAY_MS": "9"}
        with subprocess.Popen(flooding, stdout=subprocess.PIPE, text=True, env=paced) as other:
            time.sleep(1)  # until its burst is used up
            flood.append(measure(honest, CLIENT="192.0.2.1", DELAY_MS=20)["p99_ms"])
            refused.append(json.loads(other.communicate()[0].strip().splitlines()[-1])["refused"])
    return {
        "p99_ms": round(median(alone), 2),
        "p99_ms_beside_slow_sockets": round(median(slow), 2),
        "p99_ms_beside_a_flood": round(median(flood), 2),
        "ratio_slow_sockets": round(median(b / a for a, b in zip(alone, slow, strict=True)), 2),
        "ratio_flood": round(median(b / a for a, b in zip(alone, flood, strict=True)), 2),
        "refused": sum(refused),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.edge", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    chosen = parser.parse_args()
    if lacking := [*missing(), *(["wrk"] if shutil.which("wrk") is None else [])]:
        sys.exit(f"tests/prepare installs what is not here: {', '.join(lacking)}")
    with gateway() as behind, running_edge(behind.port, EDGE_TRUSTED_PROXIES="127.0.0.1") as edge:
        cases = throughput(behind, edge.http, chosen.rounds, chosen.seconds)
        for case in cases:
            print(
                f"{case['name']:32} {case['per_second']:>8} requests/s, "
                f"median {case['p50_ms']} ms, CPU {case['cpu_us']} µs a request"
            )
        others = fairness(edge.http.port, chosen.rounds, chosen.seconds)
    for name, value in others.items():
        print(f"{name:32} {value:>8}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"cases": cases, "fairness": others}, indent=2) + "\n")


if __name__ == "__main__":
    main()
