"""The account behind the server: its files, and what it accepts."""

import base64
import hashlib
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

_UNSIGNED = {"file", "cloud_name", "resource_type", "api_key", "signature"}
_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png", "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "jpg", "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "gif", "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp", "image/webp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "avif", "image/avif"),
    (re.compile(rb"BM"), "bmp", "image/bmp"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "tif", "image/tiff"),
)


class CallError(Exception):
    """A call that Cloudinary answers with an error of this status and text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asset:
    """resource_type: image, whose bytes decide about its format, or raw, which may be anything."""

    resource_type: str
    data: bytes
    format: str
    content_type: str
    version: int
    type: str


class Account:
    """The product environment `cloud_name` with its files; safe to use from any thread."""

    def __init__(
        self,
        *,
        cloud_name: str,
        api_key: str,
        api_secret: str,
        max_bytes: int,
        private_cdn: bool = False,
    ) -> None:
        self.cloud_name = cloud_name
        self.api_key = api_key
        self.api_secret = api_secret
        self.max_bytes = max_bytes
        self.assets: dict[str, Asset] = {}
        # A private CDN serves one account only, and has no name of it in the path.
        self._root = "" if private_cdn else f"/{cloud_name}"
        self._lock = threading.Lock()
        self._versions = int(time.time())

    def upload(
        self, resource_type: str, fields: dict[str, str], file: bytes | None, base_url: str
    ) -> dict[str, Any]:
        """Stores the file and returns the answer about it; its URLs start with `base_url`."""
        self._check_signature(fields)
        if not file:
            raise CallError(400, "Missing required parameter - file")
        if len(file) > self.max_bytes:
            raise CallError(
                400, f"File size too large. Got {len(file)}. Maximum is {self.max_bytes}."
            )
        public_id = fields.get("public_id") or hashlib.sha1(file).hexdigest()[:20]
        with self._lock:
            self._versions += 1
            asset = _recognise(resource_type, file, self._versions, fields.get("type") or "upload")
            self.assets[public_id] = asset
        name = f"{public_id}.{asset.format}" if asset.format else public_id
        delivery = asset.type if asset.type == "upload" else f"{asset.type}/{self._sign(name)}"
        path = f"{self._root}/{resource_type}/{delivery}/v{asset.version}/{name}"
        return {
            "asset_id": hashlib.md5(public_id.encode()).hexdigest(),
            "public_id": public_id,
            "version": asset.version,
            "format": asset.format,
            "resource_type": resource_type,
            "type": asset.type,
            "bytes": len(file),
            "etag": hashlib.md5(file).hexdigest(),
            "url": base_url + path,
            "secure_url": base_url + path,
        }

    def destroy(self, resource_type: str, fields: dict[str, str]) -> dict[str, Any]:
        self._check_signature(fields)
        name, kind = fields.get("public_id", ""), fields.get("type") or "upload"
        with self._lock:
            asset = self.assets.get(name)
            if asset is None or (asset.resource_type, asset.type) != (resource_type, kind):
                return {"result": "not found"}
            del self.assets[name]
        return {"result": "ok"}

    def find(self, path: str) -> Asset | None:
        """The asset at `/<cloud>/<resource type>/upload/[v1/]<public id>[.<format>]`.

        One of type authenticated is at `…/authenticated/<signature>/…`. Raises `CallError` 401 for
        a wrong signature.
        """
        found = re.fullmatch(
            rf"{re.escape(self._root)}/(image|raw)/(upload|authenticated)/"
            r"(?:(s--[\w-]{8}--)/)?(?:v\d+/)?(.+)",
            path,
        )
        if found is None:
            return None
        resource_type, kind, signature, name = found.groups()
        stem, _, extension = name.rpartition(".")
        with self._lock:
            asset = self.assets.get(stem)
            if asset is None or asset.format != extension:
                asset = self.assets.get(name)
        if asset is None or (asset.resource_type, asset.type) != (resource_type, kind):
            return None
        if kind == "authenticated" and signature != self._sign(name):
            raise CallError(401, "Invalid Signature")
        return asset

    def _sign(self, name: str) -> str:
        """The signature of a delivery URL without transformations."""
        digest = hashlib.sha1((name + self.api_secret).encode()).digest()
        return f"s--{base64.urlsafe_b64encode(digest).decode()[:8]}--"

    def public_ids(self) -> list[str]:
        with self._lock:
            return sorted(self.assets)

    def _check_signature(self, fields: dict[str, str]) -> None:
        signed = sorted(
            f"{name}={value}".replace("&", "%26")
            for name, value in fields.items()
            if name not in _UNSIGNED and value
        )
        text = "&".join(signed)
        if fields.get("api_key") != self.api_key:
            raise CallError(401, "Unknown API key " + fields.get("api_key", ""))
        if hashlib.sha1((text + self.api_secret).encode()).hexdigest() != fields.get("signature"):
            raise CallError(401, f"Invalid Signature. String to sign - '{text}'.")
        if abs(time.time() - int(fields.get("timestamp") or 0)) > 3600:
            raise CallError(400, "Stale request - reported time is more than 1 hour ago")


def _recognise(resource_type: str, data: bytes, version: int, kind: str) -> Asset:
    if resource_type == "raw":
        return Asset(resource_type, data, "", "application/octet-stream", version, kind)
    for magic, extension, content_type in _MAGIC:
        if magic.match(data):
            return Asset(resource_type, data, extension, content_type, version, kind)
    raise CallError(400, "Invalid image file")
