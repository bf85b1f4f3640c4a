"""Effects of a flood, slow clients and overload on others: ``python -m bench.gateway.guards``.

- G7: one client sends ten times its limit; the 99th percentile of another client's latency,
  compared with the same without the flood.
- G8: 500 sockets that never finish a header; the 99th percentile of ``/health``.
- G10: clients send three times as many requests as the service can answer; answers per second,
  compared with the maximum without overload.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench.gateway.servers import free_ports, process, wait_for
from bench.gateway.upstream import UUID

SCRIPT = Path(__file__).parent / "wrk.lua"
LIMIT = 100  # the gateway's own default
SLOW_CLIENTS = 500
IN_FLIGHT, SERVICE_MS = 64, 100
IMAGE = f"/images/{UUID}"


@contextmanager
def gateway(**settings: object) -> Iterator[int]:
    """Start a gateway in front of a plain ASGI service; yields its port."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        home = Path(directory)
        service, port = free_ports(2)
        python = [sys.executable, "-m"]
        command = [*python, "bench.gateway.hello", str(service)]
        stack.enter_context(process(command, home / "s.log", **settings))
        url = f"http://127.0.0.1:{service}"
        names = ("UPLOAD", "DITHER", "NOTIFICATION")
        environment = {"PORT": port, **{f"{name}_SERVICE_URL": url for name in names}, **settings}
        stack.enter_context(process([*python, "api_gateway.main"], home / "g.log", **environment))
        wait_for(service)
        wait_for(port)
        yield port


def wrk(port: int, path: str, *, client: str, connections: int, seconds: int) -> list[str]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
    command += ["-H", f"X-Forwarded-For: {client}", "-s", str(SCRIPT)]
    return [*command, f"http://127.0.0.1:{port}{path}"]


def measure(command: list[str], **environment: object) -> dict[str, float]:
    merged = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    output = subprocess.run(command, env=merged, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


def flood() -> None:
    settings = {
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.0/8",
        "GATEWAY_RATE_LIMIT": LIMIT,
        "GATEWAY_RATE_BURST": 20_000,
    }
    with gateway(**settings) as port:
        honest = wrk(port, IMAGE, client="192.0.2.1", connections=1, seconds=3)
        # Each of its connections sends 100 requests a second: ten times the limit in all.
        flooding = wrk(port, IMAGE, client="192.0.2.2", connections=LIMIT // 10, seconds=5)
        paced = {**os.environ, "DELAY_MS": "9"}  # plus the time of the answer
        measure(wrk(port, IMAGE, client="192.0.2.2", connections=16, seconds=3))  # use up its burst
        before: list[float] = []
        during: list[float] = []
        rates: list[float] = []
        for _ in range(5):
            before.append(measure(honest)["p99_ms"])
            with subprocess.Popen(flooding, stdout=subprocess.PIPE, text=True, env=paced) as other:
                during.append(measure(honest)["p99_ms"])
                output = other.communicate()[0]
            found = json.loads(output.strip().splitlines()[-1])
            rates.append(found["requests"] / found["seconds"])
        ratio = median(a / b for a, b in zip(during, before, strict=True))
        print(
            f"G7  a flood of {median(rates) / LIMIT:.0f} times the limit: p99 of another client "
            f"{median(before):.2f} -> {median(during):.2f} ms, ratio {ratio:.2f}  <= 2"
        )


def slow_clients() -> None:
    with (
        gateway() as port,
        ExitStack() as all_,
    ):
        for _ in range(SLOW_CLIENTS):
            client = all_.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
        command = wrk(port, "/health", client="192.0.2.1", connections=1, seconds=5)
        found = measure(command)
        print(f"G8  {SLOW_CLIENTS} sockets with half a header: /health p99 "
              f"{found['p99_ms']:.1f} ms  <= 100")  # fmt: skip


def overload() -> None:
    """The service's capacity is its concurrent requests divided by the time of a request."""
    capacity = IN_FLIGHT * 1000 / SERVICE_MS
    settings = {
        "GATEWAY_RATE_LIMIT": 0,
        "GATEWAY_MAX_REQUESTS_PER_CLIENT": 0,
    }
    with gateway(**settings, UPSTREAM_MAX_IN_FLIGHT=IN_FLIGHT, DELAY_MS=SERVICE_MS) as port:
        peak: list[float] = []
        goodput: list[float] = []
        offered: list[float] = []
        pause = 500
        # Connections whose request waits in the queue do not send another one meanwhile.
        many = round(3 * capacity * (pause / 1000)) + IN_FLIGHT + 256
        for _ in range(3):
            for connections, delay, into in ((IN_FLIGHT, 0, peak), (many, pause, goodput)):
                command = wrk(port, IMAGE, client="192.0.2.1", connections=connections, seconds=5)
                found = measure(command, DELAY_MS=delay)
                into.append((found["requests"] - found["errors"]) / found["seconds"])
            offered.append(found["requests"] / found["seconds"])
        ratio = median(a / b for a, b in zip(goodput, peak, strict=True))
        print(
            f"G10 {median(offered) / median(peak):.1f} times the capacity: "
            f"goodput {median(goodput):,.0f} of {median(peak):,.0f} answers/s, "
            f"ratio {ratio:.2f}  >= 0.80"
        )


if __name__ == "__main__":
    os.environ.pop("GATEWAY_API_KEYS", None)
    flood()
    slow_clients()
    overload()
