"""The rules of a shared cache (RFC 9111): what may be stored, for how long, and for whom."""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from api_gateway import headers as h
from api_gateway.remembering import remembers

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
_KEEPABLE = frozenset({b"etag", b"cache-control", b"expires"})
_CONDITIONAL = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range"}
)


@remembers(512)
def parse_directives(value: bytes) -> Directives:
    found: Directives = {}
    for part in value.lower().split(b","):
        name, _, argument = part.strip().partition(b"=")
        if name:
            found.setdefault(name, argument.strip(b'" '))
    return found


def directives(fields: h.Fields) -> Directives:
    said = fields.get(b"cache-control")
    return {} if said is None else parse_directives(said)


def seconds(found: Directives, name: bytes) -> int | None:
    """A directive's number; one that is none counts as 0 (RFC 9111, 4.2.1)."""
    if name not in found:
        return None
    return int(found[name][:10]) if found[name].isdigit() else 0


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
    always_ask: bool
    varied: tuple[tuple[bytes, bytes | None], ...]  # the request's fields that it depends on
    fields: h.Fields = field(init=False)
    rendered: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.fields = h.combine(self.headers)
        self.rendered = h.render(self.headers)

    @property
    def etag(self) -> bytes | None:
        return self.fields.get(b"etag")

    def age(self, now: float) -> int:
        return max(0, int(now - self.born))

    def answers(self, asked: h.Fields) -> bool:
        return not self.varied or all(asked.get(n) == value for n, value in self.varied)

    def is_fresh(self, now: float, asked: Directives) -> bool:
        """Whether it may be given without asking the service; ``asked``: the request's wishes."""
        age, most = now - self.born, self.lifetime
        if asked:
            if b"no-cache" in asked:
                return False
            if (max_age := seconds(asked, b"max-age")) is not None:
                most = min(most, max_age)
            age += seconds(asked, b"min-fresh") or 0
        return age < most and not self.always_ask

    def refresh(self, headers: h.Headers, now: float) -> None:
        """Take over what a 304 of the service says."""
        said = {name for name, _ in headers} - _FIXED
        self.headers = [f for f in self.headers if f[0] not in said] + [
            f for f in headers if f[0] in said
        ]
        self.__post_init__()
        self.born, self.lifetime, self.always_ask = _freshness(self.fields, now)

    def matches(self, asked: h.Fields) -> bool:
        """Whether the client has it already (RFC 9110, 13.2.2): it is told 304."""
        tags = asked.get(b"if-none-match")
        if tags is not None:
            known = {tag.strip().removeprefix(b"W/") for tag in tags.split(b",")}
            return b"*" in known or (self.etag or b"none").removeprefix(b"W/") in known
        if b"if-modified-since" not in asked:
            return False
        since = _timestamp(asked[b"if-modified-since"])
        modified = _timestamp(self.fields.get(b"last-modified"))
        return since is not None and modified is not None and modified <= since

    def rendered_of_304(self) -> bytes:
        return h.render(f for f in self.headers if f[0] in _OF_304)


def may_use(asked: h.Fields, wishes: Directives) -> bool:
    """Whether a GET with these fields may be answered from a shared cache, and be kept there."""
    return b"no-store" not in wishes and _NOT_SHARED.isdisjoint(asked)


def is_conditional(asked: h.Fields) -> bool:
    return not _CONDITIONAL.isdisjoint(asked)


def revalidating(headers: h.Headers, entry: Entry) -> h.Headers:
    """A request's fields, to ask whether ``entry`` still holds."""
    kept = [f for f in headers if f[0] not in _CONDITIONAL]
    return kept if entry.etag is None else [*kept, (b"if-none-match", entry.etag)]


def may_store(status: int, fields: h.Fields) -> bool:
    # Without one of these it is neither fresh for a while nor can it be asked about.
    if status != 200 or _KEEPABLE.isdisjoint(fields):
        return False
    said = directives(fields)
    return (
        said.keys().isdisjoint((b"no-store", b"private"))
        and b"set-cookie" not in fields
        and b"content-range" not in fields
        and b"*" not in fields.get(b"vary", b"")
        and (b"etag" in fields or _freshness(fields, 0)[1] > 0)
    )


def make_entry(asked: h.Fields, headers: h.Headers, body: bytes, now: float) -> Entry:
    """``asked``: the fields of the request that was answered with ``headers`` and ``body``."""
    fields = h.combine(headers)
    born, lifetime, always_ask = _freshness(fields, now)
    names = [name.strip().lower() for name in fields.get(b"vary", b"").split(b",")]
    return Entry(
        headers=[f for f in headers if f[0] not in {b"age", b"content-length"}],
        body=body,
        born=born,
        lifetime=lifetime,
        always_ask=always_ask,
        varied=tuple((name, asked.get(name)) for name in names if name),
    )


def _freshness(fields: h.Fields, now: float) -> tuple[float, float, bool]:
    """When it was new, how long from then it is fresh, and whether to ask nevertheless."""
    said = directives(fields)
    age = fields.get(b"age", b"0")
    lifetime: float | None = seconds(said, b"s-maxage")
    if lifetime is None:
        lifetime = seconds(said, b"max-age")
    if lifetime is None:
        lifetime = _until_expires(fields)
    return (
        now - (int(age[:10]) if age.isdigit() else 0),
        max(0, min(lifetime, MAX_LIFETIME_SECONDS)),
        b"no-cache" in said,
    )


def _until_expires(fields: h.Fields) -> float:
    """Nothing is guessed where nothing is said."""
    if b"expires" not in fields:
        return 0
    expires, date = _timestamp(fields[b"expires"]), _timestamp(fields.get(b"date"))
    return expires - date if expires is not None and date is not None else 0
