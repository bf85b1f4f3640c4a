"""Whether any broker answers, as librdkafka's statistics tell it.

A client that has lost all its brokers only tries again, in silence: a poll looks the same as one
of an empty topic.
"""

import json

# A connection that is logged in; UPDATE is the same, asking for metadata.
_CONNECTED = frozenset({"UP", "UPDATE"})
STATISTICS_SECONDS = 2.0
# So many reports in a row without a connection: a client changes brokers now and then.
SILENT_AFTER = 3


class Brokers:
    """``note`` is called by the client's thread; the state may be asked for by any."""

    def __init__(self) -> None:
        self._silent = 0

    def note(self, statistics: str) -> None:
        """Take a report of the client's (its ``stats_cb``)."""
        brokers = json.loads(statistics).get("brokers", {}).values()
        connected = any(broker.get("state") in _CONNECTED for broker in brokers)
        self._silent = 0 if connected else self._silent + 1

    @property
    def answer(self) -> bool:
        """True until several reports in a row know of no connection."""
        return self._silent < SILENT_AFTER
