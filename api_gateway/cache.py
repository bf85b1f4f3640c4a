"""The content cache: bounded memory, and one call of a service for many simultaneous misses."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import unquote

from api_gateway import caching
from api_gateway.connection import UpstreamError
from api_gateway.proxy import Proxy, UpstreamAnswer
from api_gateway.request import HIGH_WATER, ClientGone, Refusal, Request
from api_gateway.routes import Route
from api_gateway.running import Work

# What an entry takes besides its body and key, roughly.
ENTRY_OVERHEAD_BYTES = 4096
# For so long a path whose answer may not be shared is not waited for by others.
UNSHARED_SECONDS = 10
MAX_UNSHARED = 10_000
MAX_DELETED = 10_000

# As the services read them: with the hyphens or without.
_UUID = re.compile("-?".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12)))


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
        if group in self._deleted or _size(key, entry) > self._max_bytes:
            return
        self.bytes += _size(key, entry)
        self._entries[key] = entry
        self._groups.setdefault(group, set()).add(key)
        while self.bytes > self._max_bytes:
            self.remove(next(iter(self._entries)))

    def remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.bytes -= _size(key, entry)
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
    found = _UUID.search(unquote(key).lower())
    return found[0].replace("-", "") if found else ""


def _size(key: str, entry: caching.Entry) -> int:
    return len(entry.body) + len(key) + ENTRY_OVERHEAD_BYTES


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
        self._unshared: OrderedDict[int, float] = OrderedDict()  # by the key's hash

    def answer(self, request: Request, route: Route, target: bytes) -> Work | None:
        """Answer from memory at once when that is allowed; else the work of asking the service."""
        if request.method not in {"GET", "HEAD"}:
            return self._change(request, route, target)
        if not (route.cacheable and self._max_bytes):
            return self._pass(request, route, target)
        wishes = caching.directives(request.fields)
        if request.has_body or not caching.may_use(request.fields, wishes):
            request.cache = "bypass"
            return self._pass(request, route, target)
        key = route.upstream + target.decode("latin-1")
        entry = self._find(key, request)
        if entry is None or not entry.is_fresh(self._clock(), wishes):
            return self._fetch(request, route, target, key, wishes)
        request.cache = "hit"
        return self._give(request, entry)

    def _find(self, key: str, request: Request) -> caching.Entry | None:
        entry = self.store.get(key)
        return entry if entry is not None and entry.answers(request.fields) else None

    def _give(self, request: Request, entry: caching.Entry) -> Work | None:
        """Answer with what is stored; what is large is work, at the client's pace."""
        age = b"age: %d\r\n" % entry.age(self._clock())
        if entry.matches(request.fields):
            request.start(304, entry.rendered_of_304() + age, None)
            request.write(b"")
            return None
        request.start(200, entry.rendered + age, len(entry.body))
        if len(entry.body) > HIGH_WATER and request.method != "HEAD":
            return self._send(request, entry.body)
        request.write(entry.body)
        return None

    async def _send(self, request: Request, body: bytes) -> None:
        for begin in range(0, len(body), HIGH_WATER):
            await request.drain()
            if request.gone:
                raise ClientGone
            end = begin + HIGH_WATER
            request.write(body[begin:end], more=end < len(body))

    async def _pass(self, request: Request, route: Route, target: bytes) -> None:
        await self._proxy.relay(request, await self._proxy.forward(request, route, target))

    async def _change(self, request: Request, route: Route, target: bytes) -> None:
        try:
            answer = await self._proxy.forward(request, route, target)
        except (ClientGone, Refusal):
            if request.replica:  # it was asked, and may have done it all the same (RFC 9111, 4.4)
                self._invalidate(request)
            raise
        if answer.status < 400:
            self._invalidate(request)
        await self._proxy.relay(request, answer)

    def _invalidate(self, request: Request) -> None:
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
        entry = self._find(key, request)
        while (filling := self._fills.get(key)) is not None and not self._is_unshared(key):
            await filling
            if (entry := self._find(key, request)) is not None:
                break
        if entry is not None and entry.is_fresh(self._clock(), wishes):
            request.cache = "hit"
            await self._give_all(request, entry)
        elif entry is None and caching.is_conditional(request.fields):
            # The client has it: what the service says is for this client only.
            request.cache = "miss"
            await self._pass(request, route, target)
        else:
            found = await self._fill(request, route, target, key, entry)
            if isinstance(found, caching.Entry):
                await self._give_all(request, found)
            else:
                await self._proxy.relay(request, found)

    async def _fill(
        self, request: Request, route: Route, target: bytes, key: str, entry: caching.Entry | None
    ) -> caching.Entry | UpstreamAnswer:
        """Ask the service, or whether the stale ``entry`` still holds; meanwhile others wait.

        Nobody waits for what each has to ask for anyway, nor for what will not be shared. What is
        returned is an answer only when it must not be kept.
        """
        everyone_asks = entry is not None and entry.always_ask
        mine = not (everyone_asks or key in self._fills or self._is_unshared(key))
        if mine:
            self._fills[key] = asyncio.get_running_loop().create_future()
        try:
            headers = None if entry is None else caching.revalidating(request.headers, entry)
            answer = await self._proxy.forward(request, route, target, headers)
            if answer.status == 304 and entry is not None and entry.etag is not None:
                answer.release()
                entry.refresh(answer.headers, self._clock())
                request.cache = "revalidated"
                return entry
            request.cache = "miss"
            if self._will_store(answer):
                return await self._keep(request, answer, key)
            self.store.remove(key)
            if mine:
                self._mark_unshared(key)
            return answer
        except Refusal:
            # Those who wait are not to fail one after the other.
            self._mark_unshared(key)
            raise
        finally:
            if mine:
                self._end_fill(key)

    async def _give_all(self, request: Request, entry: caching.Entry) -> None:
        if (work := self._give(request, entry)) is not None:
            await work

    async def _keep(self, request: Request, answer: UpstreamAnswer, key: str) -> caching.Entry:
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
        return entry

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
        return self._unshared.get(hash(key), 0) > self._clock()

    def _mark_unshared(self, key: str) -> None:
        self._unshared[hash(key)] = self._clock() + UNSHARED_SECONDS
        self._unshared.move_to_end(hash(key))
        if len(self._unshared) > MAX_UNSHARED:
            self._unshared.popitem(last=False)
