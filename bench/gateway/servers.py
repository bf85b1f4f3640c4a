"""The measured processes: one of each server, each on its own port, stopped by its pid."""

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

import psutil

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
ENVOY = shutil.which("envoy") or str(Path(sys.executable).parent / "envoy")

# A realistic configuration: one worker, kept connections to the service, streamed bodies and, as in
# our gateway, an access log with one line per request.
_NGINX_CONFIG = """
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log {home}/access.log;
  client_max_body_size 50m; keepalive_requests 100000000;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  upstream service {{ server 127.0.0.1:{service}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off;
    }}
  }}
}}
"""
_ENVOY_CONFIG = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {manager}
          stat_prefix: bench
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {home}/envoy.log
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: service}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: service
    connect_timeout: 2s
    type: STATIC
    load_assignment:
      cluster_name: service
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {service}}}}}}}
"""
_ENVOY_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
    "HttpConnectionManager"
)


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU seconds of the process and its children so far."""
        parent = psutil.Process(self.pid)
        times = [p.cpu_times() for p in (parent, *parent.children(recursive=True))]
        return sum(t.user + t.system for t in times)


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
def process(command: list[str], log: Path, **environment: object) -> Iterator[int]:
    """Run a program; yields its pid."""
    merged = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    with log.open("wb") as output:
        started = subprocess.Popen(command, env=merged, stdout=output, stderr=output)
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait(20)


@contextmanager
def running(*, one_cpu: bool) -> Iterator[dict[str, Server]]:
    """Run the minimal service, and nginx, Envoy and our gateway (all features on) before it.

    ``one_cpu``: each server on the last processor, all else on the others.
    """
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        home = Path(directory)
        home.chmod(0o755)  # nginx' worker is another user when this is root
        ports = dict(zip(("service", "nginx", "envoy", "ours"), free_ports(4), strict=True))
        service = ports["service"]
        nginx, envoy = home / "nginx.conf", home / "envoy.yaml"
        nginx.write_text(_NGINX_CONFIG.format(home=home, port=ports["nginx"], service=service))
        envoy.write_text(
            _ENVOY_CONFIG.format(
                home=home, port=ports["envoy"], service=service, manager=_ENVOY_MANAGER
            )
        )
        commands = {
            "service": [sys.executable, "-m", "bench.gateway.upstream", str(service)],
            "nginx": [NGINX, "-c", str(nginx)],
            "envoy": [ENVOY, "-c", str(envoy), "--concurrency", "1", "--log-level", "error"],
            "ours": [sys.executable, "-m", "api_gateway.main"],
        }
        url = f"http://127.0.0.1:{service}"
        environment = {
            "PORT": ports["ours"],
            **{f"{name}_SERVICE_URL": url for name in ("UPLOAD", "DITHER", "NOTIFICATION")},
            # All features are on; no limit is reached.
            "GATEWAY_RATE_LIMIT": 1e9,
            "GATEWAY_RATE_BURST": 10**9,
            "GATEWAY_UPLOAD_RATE_LIMIT": 1e9,
            "GATEWAY_UPLOAD_RATE_BURST": 10**9,
            "GATEWAY_MAX_REQUESTS_PER_CLIENT": 1000,
        }
        found = {}
        *others, last = sorted(os.sched_getaffinity(0))
        for name, command in commands.items():
            if one_cpu:  # what is started inherits it
                os.sched_setaffinity(0, others if name == "service" else [last])
            pid = stack.enter_context(process(command, home / f"{name}.log", **environment))
            found[name] = Server(ports[name], pid)
            wait_for(ports[name])
        if one_cpu:
            os.sched_setaffinity(0, others)  # for wrk
        yield found
