"""The web page's files and the documentation's: Swagger UI from a package, the rest from here."""

from pathlib import Path

import fastapi_offline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from shared.http import Scope

DOCS = Path(__file__).parent / "docs"
_SWAGGER = Path(fastapi_offline.__file__).parent / "static"
DOCS_FILES = {
    "start.js": DOCS / "start.js",
    "swagger-ui-bundle.js": _SWAGGER / "swagger-ui-bundle.js",
    "swagger-ui.css": _SWAGGER / "swagger-ui.css",
}
_LONG_LIVED = frozenset({".png", ".jpg", ".webp", ".gif", ".ico", ".woff2"})


class Frontend(StaticFiles):
    """Nothing hidden; and code is asked for anew each time, since file names carry no version."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(part.startswith(".") for part in path.split("/")):
            raise HTTPException(404)
        response = await super().get_response(path or ".", scope)
        is_long_lived = Path(path).suffix in _LONG_LIVED
        response.headers["cache-control"] = "max-age=86400" if is_long_lived else "no-cache"
        return response
