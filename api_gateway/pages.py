"""The web page and the documentation, as files and as text."""

from html import escape
from importlib.resources import files
from pathlib import Path

import fastapi_offline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from shared.http import Scope

# Swagger UI as its npm package has it, inside a package of Python's.
SWAGGER = Path(fastapi_offline.__file__).parent / "static"
ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css")
# File names carry no version, so code is asked for anew each time (mostly a 304).
_LONG_LIVED = frozenset({".png", ".jpg", ".webp", ".gif", ".ico", ".woff2"})

PROBLEMS = {
    400: "The request cannot be read in one way only: its path, or its framing.",
    401: "This needs an API key: send it as X-API-Key, or as Authorization: Bearer.",
    404: "There is nothing at this address, or the image is gone.",
    405: "This address does not take the method; the field Allow names those that it takes.",
    408: "The body did not arrive in time, or too slowly.",
    409: "The request does not fit what is there; the detail says why.",
    413: "The body or the picture is too large; the detail says how large it may be.",
    414: "The address is too long.",
    415: "The file is no picture of a type that is taken; its bytes decide, not its name.",
    422: "A value is not allowed; `errors` names each field and what is allowed.",
    429: "Too many requests; the field Retry-After says in how many seconds to come again.",
    500: "A fault of ours. It has been logged under the request_id.",
    502: "A service broke off. A GET may be repeated.",
    503: "A service is overloaded or away; Retry-After says in how many seconds to come again.",
    504: "A service did not answer in time.",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""


class Frontend(StaticFiles):
    """The web page's files: nothing hidden, and each with how long it may be kept."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(part.startswith(".") for part in path.split("/")):
            raise HTTPException(404)
        response = await super().get_response(path or ".", scope)
        is_long_lived = Path(path).suffix in _LONG_LIVED
        response.headers["cache-control"] = "public, max-age=86400" if is_long_lived else "no-cache"
        return response


def docs_page(title: str) -> str:
    """Addresses are relative, so that the page works below any path."""
    head = (
        '<link rel="stylesheet" href="docs/swagger-ui.css">\n'
        '<script defer src="docs/swagger-ui-bundle.js"></script>\n'
        '<script defer src="docs/start.js"></script>'
    )
    return _PAGE.format(title=f"{escape(title)}: the API", head=head, body='<div id="docs"></div>')


def start_script() -> str:
    return (files("api_gateway") / "docs" / "start.js").read_text()


def problems_page(titles: dict[int, str]) -> str:
    """Every type of problem with its meaning; ``titles``: the standard words of each status."""
    entries = "\n".join(
        f'<dt id="{status}">{status} {escape(titles[status])}</dt><dd>{escape(text)}</dd>'
        for status, text in PROBLEMS.items()
    )
    body = (
        "<h1>Problems</h1>\n<p>Every refusal is a JSON object of RFC 9457 (problem details): "
        "type, title, status, detail, and the request_id to name when you ask about it.</p>\n"
        f"<dl>\n{entries}\n</dl>"
    )
    return _PAGE.format(title="Problems", head="", body=body)
