"""The web page's files: few, small, kept in memory, checked against the disk at each request."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
COMPRESSED = frozenset({".html", ".js", ".mjs", ".css", ".json", ".svg", ".webmanifest", ".txt"})
IMAGES = frozenset({".png", ".jpg", ".webp", ".gif", ".ico", ".woff2"})


@dataclass(frozen=True, slots=True)
class Asset:
    content_type: str
    body: bytes
    gzipped: bytes | None
    etag: str
    cache_control: str
    stamp: tuple[int, int]


class StaticFiles:
    """Files of known types below one directory; nothing hidden, nothing outside."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._assets: dict[Path, Asset] = {}

    def find(self, path: str) -> Asset | None:
        """``path`` is decoded and starts with a slash."""
        if "\x00" in path or any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            file = (self._root / (path.strip("/") or "index.html")).resolve()
            if (
                not file.is_relative_to(self._root)
                or file.suffix not in TYPES
                or not file.is_file()
            ):
                return None
            stat = file.stat()
            asset = self._assets.get(file)
            if asset is None or asset.stamp != (stat.st_mtime_ns, stat.st_size):
                asset = _load(file, (stat.st_mtime_ns, stat.st_size))
                self._assets[file] = asset
        except OSError:
            return None
        return asset


def _load(file: Path, stamp: tuple[int, int]) -> Asset:
    body = file.read_bytes()
    gzipped = gzip.compress(body, 9, mtime=0) if file.suffix in COMPRESSED else None
    return Asset(
        content_type=TYPES[file.suffix],
        body=body,
        gzipped=gzipped if gzipped is not None and len(gzipped) < len(body) else None,
        etag=hashlib.sha256(body).hexdigest()[:20],
        # File names carry no version, so code is asked for anew each time (mostly a 304).
        cache_control="public, max-age=86400" if file.suffix in IMAGES else "no-cache",
        stamp=stamp,
    )
