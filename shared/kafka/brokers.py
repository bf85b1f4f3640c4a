"""Whether any broker answers, according to librdkafka's statistics.

A client that has lost all brokers reconnects without reporting it: its polls look like polls of
an empty topic.
"""

import json

# UP: connected and authenticated; UPDATE: the same, while it fetches metadata.
_CONNECTED = frozenset({"UP", "UPDATE"})
STATISTICS_SECONDS = 2.0
# This many reports in a row without a connection: a client changes brokers now and then.
SILENT_AFTER = 3


class Brokers:
    """``note`` is called by the client's thread; any thread may read the state."""

    def __init__(self) -> None:
        self._silent = 0

    def note(self, statistics: str) -> None:
        """Receive a statistics report of the client (as its ``stats_cb``)."""
        brokers = json.loads(statistics).get("brokers", {}).values()
        connected = any(broker.get("state") in _CONNECTED for broker in brokers)
        self._silent = 0 if connected else self._silent + 1

    @property
    def answer(self) -> bool:
        """False after several reports in a row without a connection."""
        return self._silent < SILENT_AFTER
