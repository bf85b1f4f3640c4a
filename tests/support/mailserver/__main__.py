"""The server as a process of its own."""

import argparse
import signal
from pathlib import Path

from tests.support.mailserver import MailServer


def main() -> None:
    parser = argparse.ArgumentParser(description="An SMTP server that keeps mails as files")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--tls", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--login", metavar="USER:PASSWORD")
    arguments = parser.parse_args()
    user, _, password = (arguments.login or "").partition(":")
    # Blocked before any thread starts, so that all of them leave the signals to sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with MailServer(
        arguments.maildir,
        port=arguments.port,
        tls=arguments.tls,
        login=(user, password) if user else None,
    ) as server:
        trust = f", certificate in {server.ca_file}" if server.ca_file else ""
        print(f"ready on {server.host}:{server.port}{trust}", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


main()
