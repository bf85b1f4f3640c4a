"""The public API as a table: which path is whose, and how it is treated."""

from dataclasses import dataclass

from starlette.routing import compile_path

READ = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Route:
    """A path as Starlette writes them: ``{name}`` is one segment, ``{name:path}`` the rest.

    ``prefix_at_service`` stands instead of the path's first segment when the service is asked.
    """

    name: str
    path: str
    service: str
    methods: tuple[str, ...]
    prefix_at_service: str | None = None
    takes_file: bool = False  # its body may be as large as an upload
    stores_file: bool = False  # its POST counts against the stricter rate limit
    event_stream: bool = False  # long-lived: bounded by silence, not by a deadline
    open: bool = False  # never asks for an API key: links to it stand in mails and pages
    cost: int = 1  # tokens of the rate limit that a POST takes

    @property
    def prefix(self) -> str:
        """The path's first segment."""
        return "/" + self.path.split("/")[1]

    @property
    def allow(self) -> str:
        return ", ".join((*self.methods, "OPTIONS"))


# The first that matches wins.
ROUTES = (
    Route("images", "/images", "upload", (*READ, "POST"), takes_file=True, stores_file=True),
    Route("image", "/images/{uuid}", "upload", (*READ, "DELETE")),
    Route("events", "/images/{uuid}/events", "upload", READ, event_stream=True),
    Route("dither", "/images/{uuid}/{channels}", "dither", ("POST",), cost=2),
    Route("dithers", "/dithers", "dither", READ, "/images"),
    Route("dithers_of", "/dithers/{uuid}", "dither", READ, "/images"),
    Route("preview", "/preview", "dither", ("POST",), takes_file=True, cost=4),
    Route("previews", "/previews/{answer}", "dither", ("POST",), takes_file=True, cost=2),
    Route("options", "/options", "dither", READ),
    Route("notifications", "/notifications/{uuid}", "notification", READ),
    Route("files", "/files/{key:path}", "upload", READ, open=True),
)

_PATTERNS = [(compile_path(route.path)[0], route) for route in ROUTES]


def find_route(path: str) -> Route | None:
    """The row of a decoded path; None: nothing is passed on from there."""
    if path.endswith("/"):  # Starlette's {name:path} takes an empty rest, too
        return None
    for pattern, route in _PATTERNS:
        if pattern.match(path):
            return route
    return None
