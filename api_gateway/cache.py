"""The content cache: bounded memory, and one call of a service for many simultaneous misses."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable

from api_gateway import caching
from api_gateway.connection import UpstreamError
from api_gateway.proxy import Proxy, UpstreamAnswer
from api_gateway.request import ClientGone, Refusal, Request
from api_gateway.routes import Route
from api_gateway.running import Work

# What an entry takes besides its body, roughly.
ENTRY_OVERHEAD_BYTES = 2048
# For so long a path whose answer may not be shared is not waited for by others.
UNSHARED_SECONDS = 10
MAX_UNSHARED = 10_000
MAX_DELETED = 10_000

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Store:
    """Entries within so many bytes; the least recently used go first.

    Entries with a UUID in their key form a group: an image, its dithers and its files.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, caching.Entry] = OrderedDict()
        self._groups: dict[str, set[str]] = {}
        self._deleted: OrderedDict[str, None] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> caching.Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: caching.Entry) -> None:
        self.remove(key)
        group = _group_of(key)
        # An answer that was under way while its image was deleted.
        if group in self._deleted or _size(entry) > self._max_bytes:
            return
        self.bytes += _size(entry)
        self._entries[key] = entry
        self._groups.setdefault(group, set()).add(key)
        while self.bytes > self._max_bytes:
            self.remove(next(iter(self._entries)))

    def remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.bytes -= _size(entry)
        group = _group_of(key)
        self._groups[group].discard(key)
        if not self._groups[group]:
            del self._groups[group]

    def invalidate(self, path: str, *, deleted: bool) -> None:
        """Something has changed there. ``deleted``: for good, so nothing of it is kept again."""
        group = _group_of(path)
        if not group:
            return
        for key in list(self._groups.get(group, ())):
            self.remove(key)
        if deleted:
            self._deleted[group] = None
            if len(self._deleted) > MAX_DELETED:
                self._deleted.popitem(last=False)


def _group_of(key: str) -> str:
    found = _UUID.search(key.lower())
    return found[0] if found else ""


def _size(entry: caching.Entry) -> int:
    return len(entry.body) + ENTRY_OVERHEAD_BYTES


class Cache:
    """Stands before the proxy for the routes that may be cached."""

    def __init__(
        self,
        proxy: Proxy,
        *,
        max_bytes: int,
        max_entry_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proxy = proxy
        self._max_bytes = max_bytes
        self._max_entry_bytes = min(max_entry_bytes, max_bytes)
        self._clock = clock
        self.store = Store(max_bytes)
        self._fills: dict[str, asyncio.Future[None]] = {}
        self._filling_bytes = 0
        self._unshared: OrderedDict[str, float] = OrderedDict()

    def answer(self, request: Request, route: Route, target: bytes) -> Work | None:
        """Answer from memory at once when that is allowed; else the work of asking the service."""
        if request.method not in {"GET", "HEAD"}:
            return self._change(request, route, target)
        if not (route.cacheable and self._max_bytes):
            return self._pass(request, route, target)
        wishes = caching.directives(request.fields)
        if not caching.may_use(request.fields, wishes):
            request.cache = "bypass"
            return self._pass(request, route, target)
        key = route.upstream + target.decode("latin-1")
        entry = self._find(key, request)
        if entry is None or not entry.is_fresh(self._clock(), wishes):
            return self._fetch(request, route, target, key, wishes)
        request.cache = "hit"
        self._give(request, entry)
        return None

    def _find(self, key: str, request: Request) -> caching.Entry | None:
        entry = self.store.get(key)
        return entry if entry is not None and entry.answers(request.fields) else None

    def _give(self, request: Request, entry: caching.Entry) -> None:
        age = b"age: %d\r\n" % entry.age(self._clock())
        if entry.matches(request.fields):
            request.start(304, entry.rendered_of_304() + age, None)
            request.write(b"")
        else:
            request.start(200, entry.rendered + age, len(entry.body))
            request.write(entry.body)

    async def _pass(self, request: Request, route: Route, target: bytes) -> None:
        await self._proxy.relay(request, await self._proxy.forward(request, route, target))

    async def _change(self, request: Request, route: Route, target: bytes) -> None:
        await self._pass(request, route, target)
        if request.status < 400:
            self.store.invalidate(request.path, deleted=request.method == "DELETE")

    async def _fetch(
        self,
        request: Request,
        route: Route,
        target: bytes,
        key: str,
        wishes: caching.Directives,
    ) -> None:
        if b"only-if-cached" in wishes:
            raise Refusal(504, "It is not in the cache, and nothing else was asked for.")
        while (filling := self._fills.get(key)) is not None and not self._is_unshared(key):
            await filling
            entry = self._find(key, request)
            if entry is not None and entry.is_fresh(self._clock(), wishes):
                request.cache = "hit"
                self._give(request, entry)
                return
        entry = self._find(key, request)
        if entry is None:
            await self._miss(request, route, target, key)
        else:
            await self._revalidate(request, route, target, key, entry)

    async def _revalidate(
        self, request: Request, route: Route, target: bytes, key: str, entry: caching.Entry
    ) -> None:
        """Ask the service whether what is stored still holds."""
        headers = caching.unconditional(request.headers)
        if entry.etag is not None:
            headers.append((b"if-none-match", entry.etag))
        answer = await self._proxy.forward(request, route, target, headers)
        if answer.status == 304 and entry.etag is not None:
            answer.release()
            entry.refresh(answer.headers, self._clock())
            request.cache = "revalidated"
            self._give(request, entry)
            return
        await self._take(request, answer, key, keep=self._will_store(answer))

    async def _miss(self, request: Request, route: Route, target: bytes, key: str) -> None:
        if caching.is_conditional(request.fields):
            # The client has it: what the service says is for this client only.
            request.cache = "miss"
            await self._pass(request, route, target)
            return
        # Nobody is to wait for what will not be shared.
        mine = key not in self._fills and not self._is_unshared(key)
        if mine:
            self._fills[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._proxy.forward(request, route, target)
            keep = self._will_store(answer)
            if mine and not keep:
                self._mark_unshared(key)
                self._end_fill(key)
                mine = False
            await self._take(request, answer, key, keep=keep)
        except Refusal:
            # Those who wait are not to fail one after the other.
            self._mark_unshared(key)
            raise
        finally:
            if mine:
                self._end_fill(key)

    async def _take(
        self, request: Request, answer: UpstreamAnswer, key: str, *, keep: bool
    ) -> None:
        """Give a new answer to the client, through the store when it may be kept."""
        request.cache = "miss"
        if not keep:
            self.store.remove(key)
            await self._proxy.relay(request, answer)
            return
        self._filling_bytes += answer.length or 0
        try:
            body = await answer.whole()
        except UpstreamError as error:
            if request.gone:
                raise ClientGone from error
            raise Refusal(502, "The service broke off its answer; please try again.") from error
        finally:
            self._filling_bytes -= answer.length or 0
        entry = caching.make_entry(request.fields, answer.headers, body, self._clock())
        self.store.put(key, entry)
        self._give(request, entry)

    def _will_store(self, answer: UpstreamAnswer) -> bool:
        return (
            answer.length is not None
            and answer.length <= self._max_entry_bytes
            and self._filling_bytes + answer.length <= self._max_bytes
            and caching.may_store(answer.status, answer.fields)
        )

    def _end_fill(self, key: str) -> None:
        filling = self._fills.pop(key)
        if not filling.done():
            filling.set_result(None)

    def _is_unshared(self, key: str) -> bool:
        return self._unshared.get(key, 0) > self._clock()

    def _mark_unshared(self, key: str) -> None:
        self._unshared[key] = self._clock() + UNSHARED_SECONDS
        self._unshared.move_to_end(key)
        if len(self._unshared) > MAX_UNSHARED:
            self._unshared.popitem(last=False)
