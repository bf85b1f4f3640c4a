"""Load: clients that keep working while faults are injected."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.world import World


class Load:
    """Clients that upload, request more dithers and delete, until they are stopped."""

    def __init__(self, world: World, most: int, dice: random.Random) -> None:
        self._world = world
        self._most = most
        self._choices = [dice.random() for _ in range(most)]
        self._enough = threading.Event()
        self.count = 0
        self._lock = threading.Lock()

    def run(self, faults: Callable[[], None], threads: int = 4) -> None:
        """Run the load until ``faults`` has returned and ``most`` images are uploaded."""
        with ThreadPoolExecutor(threads + 1) as pool:
            clients = [pool.submit(self._client) for _ in range(threads)]
            try:
                faults()
            finally:
                self._enough.set()
            for client in clients:
                client.result()

    def _client(self) -> None:
        made: deque[str] = deque()  # uploaded images; those at the front are dithered by now
        while True:
            with self._lock:
                number = self.count
                if self._enough.is_set() and number >= self._most:
                    return
                self.count += 1
            uuid = self._world.clients.upload(number)
            made.append(uuid)
            choice = self._choices[number % self._most]
            if choice < 0.15:
                self._world.clients.request(uuid, 4)
            elif choice < 0.25:
                self._world.clients.delete(made.pop())
            elif choice < 0.4:
                self._world.clients.delete(made.popleft())
            if number >= self._most:  # enough images: continue slowly, only to keep some load
                time.sleep(0.5)
