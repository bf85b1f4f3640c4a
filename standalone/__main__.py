"""``python -m standalone``: the whole system on this machine, without Docker."""

import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from dotenv import dotenv_values

from shared.kafka.topics import wanted_topics
from shared.settings import KafkaSettings
from shared.storage.settings import StorageSettings
from standalone.broker import EmbeddedBroker
from standalone.kernels import Kernels
from standalone.postgres import EmbeddedPostgres
from standalone.postgres_account import PostgresUnusableError
from standalone.secret import principal_secret
from standalone.services import build_services
from standalone.supervisor import POLL_SECONDS, ServiceDidNotStartError, base_environment

START_SECONDS = 40
WATCH_SECONDS = 0.25
LOG_LIMIT = 5 * 1024 * 1024


class CannotStartError(Exception):
    """The text says what is wrong and what can be done."""


def run(environment: dict[str, str], port: int) -> None:
    """Start everything, print its address, and keep it running until SIGINT or SIGTERM."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    data = Path(environment.get("DATA_DIR") or "data").absolute()
    _refuse_taken_port(port)
    with ExitStack() as running:
        kernels = Kernels(running)
        shared = {
            "DATA_DIR": str(data),
            "PUBLIC_URL": f"http://localhost:{port}",
            **environment,
            **principal_secret(environment, data),
            **_broker(environment, running),
        }
        databases = _postgres(environment, data, running)
        _say("Starting the services")
        logs = data / "logs"
        services = build_services(shared, port=port, logs=logs, overrides=databases)
        _shorten(logs)
        running.callback(services.stop)
        services.start()
        services.wait_until_ready(START_SECONDS, lambda name: _say(f"  {name}"))
        while not kernels.ready() and not asked_to_stop.wait(POLL_SECONDS):
            services.watch()
        _say(f"Files: {_files(data)}   Mails: {_mails(shared, data)}   Logs: {logs}")
        _say(f"\nOpen http://localhost:{port}   (Ctrl-C stops everything)\n")
        while not asked_to_stop.wait(WATCH_SECONDS):
            services.watch()
        _say("Stopping")


def _postgres(
    environment: dict[str, str], data: Path, running: ExitStack
) -> dict[str, dict[str, str]]:
    """The variables of each service; empty where Postgres is configured."""
    if environment.get("DATABASE_URL") or environment.get("POSTGRES_HOST"):
        _say("Database: the configured one")
        return {}
    _say(f"Database: starting an embedded Postgres, its data in {data / 'postgres'}")
    postgres = EmbeddedPostgres(data / "postgres")
    running.enter_context(postgres)
    return {service: {"DATABASE_URL": dsn} for service, dsn in postgres.services().items()}


def _broker(environment: dict[str, str], running: ExitStack) -> dict[str, str]:
    if environment.get("KAFKA_SERVER") or environment.get("KAFKA_URL"):
        _say("Broker: the configured one")
        return {}
    _say("Broker: starting an embedded one")
    broker = EmbeddedBroker()
    broker.start()
    running.callback(broker.stop)
    broker.create_topics(*wanted_topics(KafkaSettings.load()))
    return {
        "KAFKA_SERVER": broker.bootstrap_servers,
        "KAFKA_EPHEMERAL": "true",
        # How soon the partitions of a killed service are assigned to another consumer.
        "KAFKA_SESSION_TIMEOUT_SECONDS": "6",
    }


def _files(data: Path) -> str:
    chosen = StorageSettings.load().chosen_storage
    return str(data / "files") if chosen == "local" else chosen


def _mails(environment: dict[str, str], data: Path) -> str:
    return environment.get("SMTP_HOST") or str(data / "outbox")


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStartError(
                f"port {port} is taken ({error.strerror}): is this running already? "
                "To use another one: PORT=8080"
            ) from error


def _shorten(logs: Path) -> None:
    """Rename logs that are too large, over those of an earlier run."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > LOG_LIMIT:
            log.rename(log.with_suffix(".log.1"))


def _say(text: str) -> None:
    print(text, flush=True)


def main(port: int | None = None) -> int:
    """Run until stopped; returns the exit status. ``port``: the web page's, else PORT or 8000."""
    from_file = {k: v for k, v in dotenv_values(".env").items() if v}
    environment = {**from_file, **{k: v for k, v in base_environment().items() if v}}
    try:
        run(environment, port or int(os.environ.get("PORT") or from_file.get("PORT") or 8000))
    except (CannotStartError, PostgresUnusableError, ServiceDidNotStartError) as error:
        print(f"Not started: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
