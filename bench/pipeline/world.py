"""The whole system as processes, and the CPU time of each."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2

from standalone.postgres import EmbeddedPostgres
from tests.support.kafka import ApacheKafka
from tests.support.system import System

# Statements in Postgres' log, except those of this benchmark.
_STATEMENT = re.compile(rb"LOG: +statement: (?!ALTER SYSTEM|SELECT pg_|SELECT count\(\*\) FROM)")
TICKS = os.sysconf("SC_CLK_TCK")
# Backends report their transaction statistics within this time.
STATISTICS_SECONDS = 11.0


class World:
    """Broker, Postgres and the four services, running."""

    def __init__(
        self, directory: Path, kafka: str, environment: Mapping[str, str], running: ExitStack
    ) -> None:
        self.postgres = EmbeddedPostgres(directory / "postgres")
        running.enter_context(self.postgres)
        self.pids: dict[str, int] = {"postgres": self.postgres.pid or 0}
        ephemeral = {} if kafka == "kafka" else {"KAFKA_EPHEMERAL": "true"}
        self.system = System(
            directory,
            kafka_server="",
            database_url=self.postgres.dsn,
            environment={**ephemeral, "SWEEP_INTERVAL_SECONDS": "60", **environment},
        )
        topics = tuple(self.system.names.values())
        start = _apache if kafka == "kafka" else _embedded
        address, self.pids["broker"] = start(topics, running)
        for child in self.system.services.children.values():
            child.environment = {**child.environment, "KAFKA_SERVER": address}
        running.callback(self.system.stop)
        self.system.start()
        self._connection = psycopg2.connect(self.postgres.dsn.rpartition("/")[0] + "/postgres")
        running.enter_context(closing(self._connection))
        self._connection.autocommit = True
        self._watch = psycopg2.connect(self.postgres.dsn)
        running.enter_context(closing(self._watch))
        self._watch.autocommit = True
        self._watched = 0

    @property
    def services(self) -> dict[str, int]:
        """The service processes by name."""
        children = self.system.services.children.items()
        return {name: child.process.pid for name, child in children if child.process}

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by process; Postgres includes all its backends."""
        return {name: _cpu(pid) for name, pid in {**self.services, **self.pids}.items()}

    def ask(self, query: str) -> float:
        """Query one number from the services' database; ``transactions`` does not count this."""
        self._watched += 1
        with self._watch.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return 0.0 if row is None or row[0] is None else float(row[0])

    def transactions(self) -> int:
        """Transactions of the services so far, including read-only ones."""
        time.sleep(STATISTICS_SECONDS)
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s",
                (self.postgres.database,),
            )
            row = cursor.fetchone()
        assert row is not None
        return int(row[0]) - self._watched

    def connections(self) -> int:
        """Connections of the services to the database."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name"
                " IN ('upload', 'dither', 'notification')",
                (self.postgres.database,),
            )
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    @contextmanager
    def statements(self) -> Iterator[list[int]]:
        """Count statements run inside the context, with BEGIN and COMMIT, in the list's element."""
        log = self.postgres.home / "log"
        found: list[int] = []
        self._log_statements("all")
        begin = log.stat().st_size
        yield found
        self._log_statements("none")
        with log.open("rb") as file:
            file.seek(begin)
            found.append(len(_STATEMENT.findall(file.read())))

    def _log_statements(self, which: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
            cursor.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)


@contextmanager
def running_world(kafka: str, environment: Mapping[str, str] | None = None) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as running:
        Path(directory).chmod(0o755)
        yield World(Path(directory), kafka, environment or {}, running)


def _embedded(topics: tuple[str, ...], running: ExitStack) -> tuple[str, int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.pipeline.broker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    running.callback(process.wait)
    running.callback(process.stdin.close)
    address = process.stdout.readline().strip()
    process.stdin.write(" ".join(topics) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    return address, process.pid


def _apache(topics: tuple[str, ...], running: ExitStack) -> tuple[str, int]:
    kafka = ApacheKafka()
    kafka.start()
    running.callback(kafka.stop)
    kafka.create_topics(*topics)
    return kafka.bootstrap_servers, kafka.pid or 0


def _cpu(pid: int) -> float:
    """CPU seconds of a process, its threads, and its children, running and ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / TICKS
    return own + sum(_cpu(int(child)) for child in children)


def started_in(directory: Path, port: int) -> float:
    """Seconds until ``python -m standalone`` prints its address; then it is stopped."""
    environment = {**os.environ, "DATA_DIR": str(directory), "PORT": str(port)}
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "standalone"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Open http" in line:
            break
    taken = time.monotonic() - begun
    process.terminate()
    process.wait()
    if process.returncode != 0:
        raise RuntimeError("the system did not start")
    return taken
