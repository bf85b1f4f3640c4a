"""One real broker (KRaft, its own controller) as a child process."""

import atexit
import base64
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from standalone.ports import free_port
from tests.support.guard import Guard
from tests.support.kafka.jars import install_jars, kafka_version
from tests.support.kafka.properties import BrokerOptions, Ports, write_properties

_JAVA = (
    "java",
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",  # a short-lived broker gains nothing from the second compiler
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Dlog4j2.level=WARN",
)
_START_SECONDS = 180.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05


class ApacheKafka:
    """A broker on 127.0.0.1. Its port and data stay from `start` over `kill` to the last `stop`."""

    is_real = True

    def __init__(self, options: BrokerOptions | None = None) -> None:
        self._options = options or BrokerOptions()
        self._ports = Ports(free_port(), free_port(), free_port())
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = Guard(None)

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._ports.client}"

    @property
    def admin_servers(self) -> str:
        """The listener without login, on which everything is allowed."""
        return f"127.0.0.1:{self._ports.internal}"

    @property
    def pid(self) -> int | None:
        """The broker's process, while it runs."""
        return self._process.pid if self._process else None

    def describe(self) -> str:
        return f"Apache Kafka {kafka_version()} (Maven)"

    def start(self) -> None:
        """Returns when the broker answers. Raises KafkaUnavailableError without Java or Maven."""
        jars = install_jars()
        atexit.register(self.stop)
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="dither-kafka-"))
            self._format(jars, self._directory)
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_JAVA, "-cp", f"{jars}/*", "kafka.Kafka", "server.properties"],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = Guard(self._process.pid)
        self._wait_until_ready(time.monotonic() + _START_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL: the broker is gone at once, its port closed, its data unchanged."""
        if self._process is not None:
            self._guard.release()
            self._process.kill()
            self._process.wait()
            self._process = None

    def shut_down(self) -> None:
        """Send SIGTERM, as an operator would; `start` restarts it with its data."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
            self.kill()

    def restart(self) -> None:
        """Restart a running or killed broker on the same port and with its data."""
        self.shut_down()
        self.start()

    def stop(self) -> None:
        """Ends the broker and removes its data."""
        atexit.unregister(self.stop)
        self.kill()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def create_topics(self, *names: str, partitions: int = 4) -> None:
        """Creates the topics and returns when they can be used."""
        topics = [NewTopic(name, partitions, 1) for name in names]
        admin = self._admin()  # must live until the call is done: its requests end with it
        for created in admin.create_topics(topics).values():
            created.result(timeout=30)

    def allow(
        self,
        user: str,
        operations: Iterable[AclOperation],
        resource: ResourceType,
        prefix: str,
    ) -> None:
        """Lets `user` do `operations` on every topic or group whose name starts with `prefix`."""
        rights = [
            AclBinding(
                resource,
                prefix,
                ResourcePatternType.PREFIXED,
                f"User:{user}",
                "*",
                operation,
                AclPermissionType.ALLOW,
            )
            for operation in operations
        ]
        admin = self._admin()
        for granted in admin.create_acls(rights).values():
            granted.result(timeout=30)

    def log(self) -> str:
        """What the broker has logged so far."""
        if self._directory is None:
            return ""
        return (self._directory / "log").read_text(errors="replace")

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.admin_servers, "log_level": 0})

    def _format(self, jars: Path, directory: Path) -> None:
        properties = directory / "server.properties"
        write_properties(properties, directory / "data", self._ports, self._options)
        command = [*_JAVA, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "--standalone"]
        command += ["--cluster-id", _cluster_id(), "--config", str(properties)]
        for name, password in self._options.users.items():
            command += ["--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]"]
        subprocess.run(command, check=True, capture_output=True)

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"Kafka ended by itself: {self.log()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka does not answer: {self.log()[-2000:]}")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._ports.internal), timeout=1):
                pass
            return bool(self._admin().list_topics(timeout=2).brokers)
        except (OSError, KafkaException):
            return False


def _cluster_id() -> str:
    """A random uuid as Kafka writes it; one that starts with a dash would be read as an option."""
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
