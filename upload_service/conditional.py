"""Conditional requests: what a client has already is not sent again."""

from fastapi import Request


def client_has(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names this tag (RFC 9110, 13.1.2: weakly compared, or any)."""
    tags = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    }
    return etag in tags or "*" in tags
