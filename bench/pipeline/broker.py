"""``python -m bench.pipeline.broker``: the embedded broker as a separate process.

Prints its address, and ends when its standard input is closed.
"""

import sys

from standalone.broker import EmbeddedBroker


def main() -> None:
    broker = EmbeddedBroker()
    broker.start()
    print(broker.bootstrap_servers, flush=True)
    for line in sys.stdin:
        broker.create_topics(*line.split())
        print("created", flush=True)
    broker.stop()


if __name__ == "__main__":
    main()
