"""The system as containers of the image, on the host's network."""

import secrets
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from standalone.ports import free_port
from tests.support.images.build import IMAGE
from tests.support.images.engine import Engine

SERVICES = {
    "upload": "upload_service.main",
    "dither": "dither_service.main",
    "notification": "notification_service.main",
    "gateway": "api_gateway.main",
}
_HEALTHY_SECONDS = 120.0
_STOP_SECONDS = 15
_POLL_SECONDS = 0.5
_KILLED = 137


# As in docker-compose.yml and the Helm chart.
_HARDENED = (
    *("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--pids-limit=256", "--memory=1536m"),
)


class ContainerError(Exception):
    """A container failed; the text ends with its log."""


class Containers:
    """Started containers of the four services; as a context manager it removes them."""

    def __init__(self, engine: Engine, environment: Mapping[str, str]) -> None:
        self._engine = engine
        self._prefix = f"dither-proof-{secrets.token_hex(4)}"
        self._ports = {name: free_port() for name in SERVICES}
        addresses = {
            f"{name.upper()}_SERVICE_URL": f"http://127.0.0.1:{port}"
            for name, port in self._ports.items()
            if name != "gateway"
        }
        self.url = f"http://127.0.0.1:{self._ports['gateway']}"
        self._environment = {
            **environment,
            **addresses,
            "HOST": "127.0.0.1",
            "PUBLIC_URL": self.url,
        }

    def __enter__(self) -> Self:
        self._engine.run("volume", "create", self._prefix)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._engine.succeeds("rm", "--force", *map(self._name, SERVICES))
        self._engine.run("volume", "rm", "--force", self._prefix)

    def job(self, *command: str, **variables: str) -> str:
        """Run a command in a new container; returns its output."""
        return self._engine.run("run", "--rm", *self._options(variables), IMAGE, *command)

    def start(self) -> None:
        for name, module in SERVICES.items():
            self._engine.run(
                *("run", "--detach", "--name", self._name(name)),
                *("--volume", f"{self._prefix}:/data", "--health-interval", "1s"),
                *self._options({"PORT": str(self._ports[name])}),
                *(IMAGE, "python", "-m", module),
            )

    def wait_until_healthy(self) -> None:
        """Wait for the image's own health check. Raises ``ContainerError``."""
        deadline = time.monotonic() + _HEALTHY_SECONDS
        for name in SERVICES:
            while (state := self._inspect(name, "{{.State.Health.Status}}")) != "healthy":
                running = self._inspect(name, "{{.State.Running}}") == "true"
                if not running or time.monotonic() > deadline:
                    raise ContainerError(f"{name} is {state}:\n{self._log(name)}")
                time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Send SIGTERM to all. Raises ``ContainerError`` if one had to be killed."""
        self._engine.run("stop", f"--time={_STOP_SECONDS}", *map(self._name, SERVICES))
        for name in SERVICES:
            if int(self._inspect(name, "{{.State.ExitCode}}")) == _KILLED:
                raise ContainerError(f"{name} did not end by itself:\n{self._log(name)}")

    def _options(self, variables: Mapping[str, str]) -> list[str]:
        together = {**self._environment, **variables}
        return [
            *_HARDENED,
            "--network=host",
            *(f"--env={name}={value}" for name, value in together.items()),
        ]

    def _name(self, service: str) -> str:
        return f"{self._prefix}-{service}"

    def _inspect(self, service: str, template: str) -> str:
        return self._engine.run("inspect", f"--format={template}", self._name(service))

    def _log(self, service: str) -> str:
        return self._engine.run("logs", "--tail=50", self._name(service))
