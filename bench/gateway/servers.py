"""The processes that are measured: one each, on ports of their own, stopped by their pid."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

# As a person would set it up for this: connections to the service are kept, uploads are streamed,
# and like ours it writes a line a request to a file.
_NGINX_CONFIG = """
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log {home}/access.log;
  client_max_body_size 50m; keepalive_requests 100000000;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  {upstreams}
  {servers}
}}
"""
_NGINX_UPSTREAM = """
  upstream to_{port} {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 100000000; }}
"""
_NGINX_SERVER = """
  server {{
    listen 127.0.0.1:{listen};
    location / {{
      proxy_pass http://to_{port}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off;
    }}
  }}
"""


@dataclass(frozen=True)
class Servers:
    """Ports. ``free`` and ``asgi`` are the services: one that costs nothing, one like ours."""

    free: int
    asgi: int
    ours_to_free: int
    ours_to_asgi: int
    nginx_to_free: int
    nginx_to_asgi: int


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def process(command: list[str], log: Path, **environment: object) -> Iterator[None]:
    merged = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    with log.open("wb") as output:
        started = subprocess.Popen(command, env=merged, stdout=output, stderr=output)
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)


@contextmanager
def running() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        home = Path(directory)
        home.chmod(0o755)  # nginx' worker is another user when this is root
        servers = Servers(*free_ports(6))
        python = [sys.executable, "-m"]
        for module, port in (("upstream", servers.free), ("hello", servers.asgi)):
            command = [*python, f"bench.gateway.{module}", str(port)]
            stack.enter_context(process(command, home / f"{module}.log"))
        for port, service in (
            (servers.ours_to_free, servers.free),
            (servers.ours_to_asgi, servers.asgi),
        ):
            url = f"http://127.0.0.1:{service}"
            environment = {
                "PORT": port,
                "UPLOAD_SERVICE_URL": url,
                "DITHER_SERVICE_URL": url,
                "NOTIFICATION_SERVICE_URL": url,
                # Everything is on; only no limit is reached.
                "GATEWAY_RATE_LIMIT": 1e9,
                "GATEWAY_RATE_BURST": 10**9,
                "GATEWAY_UPLOAD_RATE_LIMIT": 1e9,
                "GATEWAY_UPLOAD_RATE_BURST": 10**9,
            }
            log = home / f"ours-{port}.log"
            stack.enter_context(process([*python, "api_gateway.main"], log, **environment))
        config = home / "nginx.conf"
        config.write_text(
            _NGINX_CONFIG.format(
                home=home,
                upstreams="".join(
                    _NGINX_UPSTREAM.format(port=p) for p in (servers.free, servers.asgi)
                ),
                servers=_NGINX_SERVER.format(listen=servers.nginx_to_free, port=servers.free)
                + _NGINX_SERVER.format(listen=servers.nginx_to_asgi, port=servers.asgi),
            )
        )
        stack.enter_context(process([NGINX, "-c", str(config)], home / "nginx.log"))
        for port in vars(servers).values():
            wait_for(port)
        yield servers
