"""Who is connected: bounds on their number, and one sweep for all their deadlines."""

import asyncio
from collections import Counter
from typing import Protocol

from api_gateway.limits import client_of
from api_gateway.settings import GatewaySettings

SWEEP_SECONDS = 0.25


class Connected(Protocol):
    def sweep(self, now: float) -> None: ...


class Clients:
    """The connections of one gateway; ``settings`` bounds them together and by address."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.connections: set[Connected] = set()
        self.refused: Counter[int] = Counter()  # requests that were no HTTP, by status
        self._by_client: Counter[str] = Counter()

    def admit(self, connection: Connected, address: str) -> bool:
        """Count a connection in, when there is room. Pair each success with ``leave``."""
        client = client_of(address)
        if len(self.connections) >= self.settings.gateway_max_connections or self._by_client[
            client
        ] >= self._most_of(address):
            return False
        self.connections.add(connection)
        self._by_client[client] += 1
        return True

    def leave(self, connection: Connected, address: str) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            client = client_of(address)
            self._by_client[client] -= 1
            if self._by_client[client] <= 0:
                del self._by_client[client]

    def _most_of(self, address: str) -> int:
        # A proxy speaks for many.
        if self.settings.trusts(address):
            return self.settings.gateway_max_connections
        return self.settings.gateway_max_connections_per_address

    async def run(self) -> None:
        """Sweep until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for connection in list(self.connections):
                connection.sweep(now)
