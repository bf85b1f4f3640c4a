"""The command ``dither-system``: run the whole system here, or do one task of a deployment."""

import argparse
import json
import os
import sys
import urllib.request
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from dither_engine import __version__

SERVICES = ["upload_service", "dither_service", "notification_service"]
HEALTH_SECONDS = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run one subcommand; returns the exit status."""
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    if rest and given.command != "deadletters":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if find_spec("confluent_kafka") is None:
        sys.stderr.write("The services are missing: pip install 'dither-services[services]'\n")
        return 1
    match given.command:
        case "run":
            return _run(given.port)
        case "topics":
            return _topics()
        case "migrate":
            return _migrate(given.service or SERVICES)
        case "deadletters":
            return _deadletters(rest)
        case _:
            return _health(given.url)


def command() -> NoReturn:
    """Run with the arguments of this process, and end it."""
    sys.exit(main(sys.argv[1:]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dither-system", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything here; data in DATA_DIR or ./data")
    run.add_argument("--port", type=int, help="of the web page; default: PORT or 8000")
    commands.add_parser("topics", help="create the Kafka topics that are missing")
    migrate = commands.add_parser("migrate", help="bring the services' tables up to date")
    migrate.add_argument("service", nargs="*", choices=[[], *SERVICES], help="default: all")
    commands.add_parser("deadletters", add_help=False, help="list, show and replay dead letters")
    health = commands.add_parser("health", help="print how the parts of a running system are")
    health.add_argument("url", nargs="?", help="of the gateway; default: http://localhost:PORT")
    return parser


# Each task loads only what it needs: --help and --version work without the services' packages.


def _run(port: int | None) -> int:
    from standalone.__main__ import main as run  # noqa: PLC0415

    return run(port)


def _topics() -> int:
    from shared.kafka.topics import main as create_topics  # noqa: PLC0415

    return create_topics()


def _migrate(services: list[str]) -> int:
    from shared.migrations import main as migrate  # noqa: PLC0415

    return migrate(services)


def _deadletters(arguments: list[str]) -> int:
    from shared.kafka.deadletters import main as deadletters  # noqa: PLC0415

    return deadletters(arguments)


def _health(url: str | None) -> int:
    """Exit status 0 if all parts are healthy, else 1."""
    url = url or f"http://localhost:{os.environ.get('PORT') or 8000}"
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=HEALTH_SECONDS) as answer:  # noqa: S310 - the operator's own URL
            found = json.load(answer)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{url} does not answer: {error}\n")
        return 1
    print(f"system: {found['status']}")
    for name, service in found.get("services", {}).items():
        print(f"{name}: {service['status']}")
    return 0 if found["status"] == "ok" else 1


if __name__ == "__main__":
    command()
