"""The four services, each with a port and the addresses of the others."""

from collections.abc import Mapping
from pathlib import Path

from standalone.ports import free_port
from standalone.supervisor import Child, Supervisor

NAMES = ("upload", "dither", "notification", "gateway")


def build_services(
    environment: Mapping[str, str],
    *,
    port: int,
    logs: Path,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> Supervisor:
    """``environment`` is for all services, ``overrides[name]`` for one; ``port``: the gateway's."""
    ports = {"gateway": port, **{name: free_port() for name in NAMES if name != "gateway"}}
    addresses = {
        f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{ports[name]}"
        for name in NAMES
        if name != "gateway"
    }
    logs.mkdir(parents=True, exist_ok=True)
    return Supervisor(
        [
            Child(
                name=name,
                port=ports[name],
                environment={
                    **environment,
                    **addresses,
                    "PORT": str(ports[name]),
                    "METRICS_PORT": "",  # four processes cannot share one
                    **(overrides or {}).get(name, {}),
                },
                log=logs / f"{name}.log",
            )
            for name in NAMES
        ]
    )
