"""The public API as a table: which service a path belongs to, and how it is handled."""

import re
from dataclasses import dataclass
from functools import cached_property

from starlette.routing import compile_path

READ = ("GET", "HEAD")


@dataclass(frozen=True)
class Route:
    """A path in Starlette's syntax: ``{name}`` is one segment, ``{name:path}`` the rest.

    ``prefix_at_service`` replaces the first segment of the path when the service is called.
    """

    name: str
    path: str
    service: str
    methods: tuple[str, ...]
    prefix_at_service: str | None = None
    takes_file: bool = False  # its body may be as large as an upload
    takes_files: bool = False  # its body may be as large as a call of POST /dither
    stores_file: bool = False  # its POST also counts against the stricter rate limit
    event_stream: bool = False  # long-lived: limited by an idle timeout, not by a deadline
    open: bool = False  # never requires an API key: mails and pages contain links to it
    cost: int = 1  # tokens of the rate limit that a POST takes
    read_cost: int = 1  # those that any other request takes

    @cached_property
    def prefix(self) -> str:
        """The path's first segment."""
        return "/" + self.path.split("/")[1]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return compile_path(self.path)[0]

    @cached_property
    def works_long(self) -> bool:
        """Whether the service is to stop when the client goes."""
        return self.event_stream or max(self.cost, self.read_cost) > 1

    @cached_property
    def allow(self) -> str:
        return ", ".join((*self.methods, "OPTIONS"))

    def at_service(self, path: str) -> str:
        """The service's path for a public path."""
        prefix = self.prefix_at_service
        return path if prefix is None else prefix + path.removeprefix(self.prefix)


# The first match wins.
ROUTES = (
    Route("images", "/images", "upload", (*READ, "POST"), takes_file=True, stores_file=True),
    Route("image", "/images/{uuid}", "upload", (*READ, "DELETE")),
    Route("events", "/images/{uuid}/events", "upload", READ, event_stream=True),
    Route("original", "/images/{uuid}/file", "upload", READ),
    Route("dither", "/images/{uuid}/{channels}", "dither", ("POST",), cost=2),
    Route("dithers", "/dithers", "dither", READ, "/images"),
    Route("dithers_of", "/dithers/{uuid}", "dither", READ, "/images"),
    Route("dithered", "/dithers/{uuid}/{dither_id}", "dither", READ, "/images", read_cost=8),
    Route("one_call", "/dither", "dither", (*READ, "POST"), takes_files=True, cost=20, read_cost=8),
    Route("preview", "/preview", "dither", ("POST",), takes_file=True, cost=4),
    Route("previews", "/previews/{answer}", "dither", ("POST",), takes_file=True, cost=2),
    Route("options", "/options", "dither", READ),
    Route("notifications", "/notifications/{uuid}", "notification", READ),
    Route("mail", "/mail/{action}/{token}", "notification", (*READ, "POST"), open=True),
    Route("files", "/files/{key:path}", "upload", READ, open=True),
)
SERVICES = tuple(dict.fromkeys(route.service for route in ROUTES))


def find_route(path: str) -> Route | None:
    """The row of a decoded path; None if the path is not forwarded."""
    if path.endswith("/"):  # Starlette's {name:path} would also match an empty rest
        return None
    return next((route for route in ROUTES if route.pattern.match(path)), None)
