"""The public API as a table: which path is whose, and how it is treated."""

import re
from dataclasses import dataclass

from api_gateway.remembering import remembers

READ = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Route:
    """``{name}`` in a path stands for one segment, ``{name:path}`` for the rest.

    ``target`` is the path at the service; None: the same as the public one.
    """

    name: str
    path: str
    upstream: str
    methods: tuple[str, ...]
    target: str | None = None
    takes_file: bool = False  # its body may be as large as an upload
    stores_file: bool = False  # its POST counts against the stricter rate limit
    event_stream: bool = False  # long-lived: bounded by silence, not by a deadline
    cacheable: bool = False
    open: bool = False  # never asks for an API key: links to it stand in mails and pages
    cost: int = 1  # tokens of the rate limit that a request takes

    @property
    def allow(self) -> str:
        return ", ".join((*self.methods, "OPTIONS"))


# The first that matches wins.
ROUTES = (
    Route("images", "/images", "upload", (*READ, "POST"), takes_file=True, stores_file=True),
    Route("image", "/images/{uuid}", "upload", (*READ, "DELETE"), cacheable=True),
    Route("events", "/images/{uuid}/events", "upload", READ, event_stream=True),
    Route("dither", "/images/{uuid}/{channels}", "dither", ("POST",), cost=2),
    Route("dithers", "/dithers", "dither", READ, "/images"),
    Route("dithers_of", "/dithers/{uuid}", "dither", READ, "/images/{uuid}"),
    Route("preview", "/preview", "dither", ("POST",), takes_file=True, cost=4),
    Route("previews", "/previews/{answer}", "dither", ("POST",), takes_file=True, cost=2),
    Route("options", "/options", "dither", READ, cacheable=True),
    Route("notifications", "/notifications/{uuid}", "notification", READ),
    Route("files", "/files/{key:path}", "upload", READ, cacheable=True, open=True),
)


def _compile(path: str) -> re.Pattern[str]:
    pattern = re.sub(r"\{(\w+):path\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))


_PATTERNS = [(_compile(route.path), route) for route in ROUTES]


@remembers(4096)
def find_route(path: str) -> tuple[Route, str] | None:
    """The route of a raw (still percent-encoded) path, and the path at its service."""
    for pattern, route in _PATTERNS:
        if match := pattern.fullmatch(path):
            return route, path if route.target is None else route.target.format(**match.groupdict())
    return None
