"""The server as a process of its own."""

import argparse
import signal

from tests.support.cloudinary_server import CloudinaryServer


def main() -> None:
    parser = argparse.ArgumentParser(description="Cloudinary's upload API, for tests")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cloud-name", default="test-cloud")
    parser.add_argument("--api-key", default="123456789012345")
    parser.add_argument("--api-secret", default="test-secret")
    arguments = parser.parse_args()
    # Blocked before any thread starts, so that all of them leave the signals to sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with CloudinaryServer(
        port=arguments.port,
        cloud_name=arguments.cloud_name,
        api_key=arguments.api_key,
        api_secret=arguments.api_secret,
    ) as server:
        print(f"ready on {server.url}", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


main()
