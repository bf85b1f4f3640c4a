"""Conditional requests: content that the client already has is not sent again."""

from starlette.requests import Request


def client_has(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` has this tag (weak comparison) or ``*`` (RFC 9110, 13.1.2)."""
    tags = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    }
    return etag in tags or "*" in tags
