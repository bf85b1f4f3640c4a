"""Server-sent events for the clients that follow an image.

One thread looks for new versions of all followed images with one query: at once when this process
has committed a change, else every half second (another replica may have made a change). So the
number of queries does not grow with the number of clients.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from shared.failures import TransientFailure
from shared.principal import EVERYBODY, Principal
from shared.problems import Problem, Unavailable
from shared.wakeup import Wakeup
from upload_service.service import UploadService

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": still here\n\n"
_DELETED = b"event: deleted\ndata: {}\n\n"
_END = b""


@dataclass(eq=False)
class _Watcher:
    uuid: UUID
    caller: Principal
    loop: asyncio.AbstractEventLoop
    seen: int
    queue: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)

    def send(self, event: bytes) -> None:
        try:
            self.loop.call_soon_threadsafe(self.queue.put_nowait, event)
        except RuntimeError:
            logger.debug("a watcher's server has ended")


class ImageEvents:
    """``run`` blocks until ``stop``; meanwhile ``watch`` may be called from the event loop."""

    def __init__(self, service: UploadService, *, poll_seconds: float, max_watchers: int) -> None:
        self._service = service
        self._poll_seconds = poll_seconds
        self._max_watchers = max_watchers
        self._watchers: set[_Watcher] = set()
        self._lock = threading.Lock()
        self._loop = Wakeup()
        service.on_change = self._loop.wake

    def run(self) -> None:
        # Without watchers, sleep until there is one.
        while self._loop.wait(self._poll_seconds if self._watchers else None):
            try:
                self.look()
            except TransientFailure:
                logger.info("watchers wait for the database")
                self._loop.pause(self._poll_seconds)
        self._send_all(_END)

    def stop(self) -> None:
        self._loop.stop()

    def look(self) -> None:
        """Send each watcher the changes that it has not seen yet."""
        with self._lock:
            watchers = list(self._watchers)
        if not watchers:
            return
        versions = self._service.versions({w.uuid for w in watchers})
        changed = [w for w in watchers if versions.get(w.uuid) != w.seen]
        for uuid, caller in {(w.uuid, w.caller) for w in changed}:
            event, version = self._event(uuid, caller)
            alike = (w for w in changed if (w.uuid, w.caller) == (uuid, caller))
            for watcher in (w for w in alike if w.seen != version):
                watcher.seen = version
                watcher.send(event)

    async def watch(self, uuid: UUID, caller: Principal = EVERYBODY) -> AsyncIterator[bytes]:
        """The events of the caller's image, the current state first. Raises ``Problem``."""
        if len(self._watchers) >= self._max_watchers:
            raise Unavailable("Too many clients are following images; try again later, or poll.")
        first, version = await asyncio.to_thread(self._event, uuid, caller)
        if first is _DELETED:
            raise Problem(404, f"There is no image {uuid}; GET /images lists your images.")
        return self._follow(_Watcher(uuid, caller, asyncio.get_running_loop(), version), first)

    async def _follow(self, watcher: _Watcher, first: bytes) -> AsyncIterator[bytes]:
        with self._lock:
            self._watchers.add(watcher)
        self._loop.wake()
        try:
            yield first
            while True:
                try:
                    event = await asyncio.wait_for(watcher.queue.get(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    event = _KEEP_ALIVE
                if event is _END:
                    return
                yield event
                if event is _DELETED:
                    return
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def _event(self, uuid: UUID, caller: Principal) -> tuple[bytes, int]:
        try:
            image, version = self._service.get_image(uuid, caller, owned=True)
        except Problem:
            return _DELETED, -1
        return f"event: image\nid: {version}\ndata: {image.model_dump_json()}\n\n".encode(), version

    def _send_all(self, event: bytes) -> None:
        with self._lock:
            for watcher in self._watchers:
                watcher.send(event)
