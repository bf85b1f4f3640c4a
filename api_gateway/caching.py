"""The rules of a shared cache (RFC 9111): what may be stored, for how long, and for whom."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache

from api_gateway import headers as h

Directives = dict[bytes, bytes]

# An answer that was deleted at another gateway may live on here for this long, not for the year
# that `immutable` files are given; after it, asking the service again costs a 304.
MAX_LIFETIME_SECONDS = 300

# What a 304 may not change of what is stored (RFC 9111, 3.2).
_FIXED = frozenset({b"content-length", b"content-encoding", b"content-type", b"content-range"})
_OF_304 = frozenset(
    {b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary", b"via"}
)
_NOT_SHARED = frozenset({b"range", b"authorization", b"if-match", b"if-unmodified-since"})
_LOOKED_FOR = frozenset({b"content-length", b"date"})
_CONDITIONAL = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range"}
)


@lru_cache(512)
def parse_directives(value: bytes) -> Directives:
    found: Directives = {}
    for part in value.lower().split(b","):
        name, _, argument = part.strip().partition(b"=")
        if name:
            found.setdefault(name, argument.strip(b'" '))
    return found


def directives(headers: h.Headers) -> Directives:
    return parse_directives(h.get_list(headers, b"cache-control"))


def seconds(found: Directives, name: bytes) -> int | None:
    """A directive's number; one that is none counts as 0 (RFC 9111, 4.2.1)."""
    if name not in found:
        return None
    return int(found[name]) if found[name].isdigit() else 0


def _timestamp(value: bytes | None) -> float | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, TypeError):
        return None


@dataclass(slots=True)
class Entry:
    """A stored answer of status 200. ``born``: when it would have been new, by our clock."""

    headers: h.Headers
    body: bytes
    born: float
    lifetime: float
    always_ask: bool  # `no-cache`: fresh or not, the service is asked first
    varied: tuple[tuple[bytes, bytes], ...]  # the request's fields that chose this answer
    etag: bytes | None
    rendered: bytes = b""  # the fields but those that the server itself looks for

    def __post_init__(self) -> None:
        self.rendered = h.render([f for f in self.headers if f[0] not in _LOOKED_FOR])

    @property
    def looked_for(self) -> h.Headers:
        return [f for f in self.headers if f[0] in _LOOKED_FOR]

    def age(self, now: float) -> int:
        return max(0, int(now - self.born))

    def answers(self, headers: h.Headers) -> bool:
        return all(h.get_list(headers, name) == value for name, value in self.varied)

    def is_fresh(self, now: float, asked: Directives) -> bool:
        """Whether it may be given without asking the service; ``asked``: the request's wishes."""
        if self.always_ask or b"no-cache" in asked:
            return False
        age, most = now - self.born, self.lifetime
        if (max_age := seconds(asked, b"max-age")) is not None:
            most = min(most, max_age)
        return age + (seconds(asked, b"min-fresh") or 0) < most

    def refresh(self, headers: h.Headers, now: float) -> None:
        """Take over what a 304 of the service says."""
        said = {name for name, _ in headers} - _FIXED
        self.headers = [f for f in self.headers if f[0] not in said] + [
            f for f in headers if f[0] in said
        ]
        self.born, self.lifetime, self.always_ask = _freshness(self.headers, now)
        self.__post_init__()

    def matches(self, headers: h.Headers) -> bool:
        """Whether the client has it already (RFC 9110, 13.2.2): it is told 304."""
        tags = h.get_list(headers, b"if-none-match")
        if tags:
            known = {tag.strip().removeprefix(b"W/") for tag in tags.split(b",")}
            return b"*" in known or (self.etag or b"none").removeprefix(b"W/") in known
        since = _timestamp(h.get(headers, b"if-modified-since"))
        modified = _timestamp(h.get(self.headers, b"last-modified"))
        return since is not None and modified is not None and modified <= since

    def headers_of_304(self) -> h.Headers:
        return [f for f in self.headers if f[0] in _OF_304]


def may_use(headers: h.Headers, asked: Directives) -> bool:
    """Whether a GET with these fields may be answered from a shared cache, and be kept there."""
    return b"no-store" not in asked and not any(name in _NOT_SHARED for name, _ in headers)


def is_conditional(headers: h.Headers) -> bool:
    return any(name in _CONDITIONAL for name, _ in headers)


def unconditional(headers: h.Headers) -> h.Headers:
    return [f for f in headers if f[0] not in _CONDITIONAL]


def may_store(status: int, headers: h.Headers) -> bool:
    said = directives(headers)
    names = {name for name, _ in headers}
    return (
        status == 200
        and not said.keys() & {b"no-store", b"private"}
        and not names & {b"set-cookie", b"content-range"}
        and b"*" not in h.get_list(headers, b"vary")
        and (b"etag" in names or _freshness(headers, 0)[1] > 0)
    )


def make_entry(asked: h.Headers, headers: h.Headers, body: bytes, now: float) -> Entry:
    """``asked``: the fields of the request that was answered with ``headers`` and ``body``."""
    born, lifetime, always_ask = _freshness(headers, now)
    names = [name.strip().lower() for name in h.get_list(headers, b"vary").split(b",")]
    kept = [f for f in headers if f[0] not in {b"age", b"content-length"}]
    return Entry(
        headers=[*kept, (b"content-length", b"%d" % len(body))],
        body=body,
        born=born,
        lifetime=lifetime,
        always_ask=always_ask,
        varied=tuple((name, h.get_list(asked, name)) for name in names if name),
        etag=h.get(headers, b"etag"),
    )


def _freshness(headers: h.Headers, now: float) -> tuple[float, float, bool]:
    """When it was new, how long from then it is fresh, and whether to ask nevertheless."""
    said = directives(headers)
    age = h.get(headers, b"age") or b"0"
    lifetime: float | None = seconds(said, b"s-maxage")
    if lifetime is None:
        lifetime = seconds(said, b"max-age")
    if lifetime is None:
        # Nothing is guessed where nothing is said.
        expires, date = _timestamp(h.get(headers, b"expires")), _timestamp(h.get(headers, b"date"))
        lifetime = expires - date if expires is not None and date is not None else 0
    return (
        now - (int(age) if age.isdigit() else 0),
        max(0, min(lifetime, MAX_LIFETIME_SECONDS)),
        b"no-cache" in said,
    )
