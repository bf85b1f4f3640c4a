"""Uploads over HTTP, as a client sends them."""

from typing import Any

from tests.integration.services.support import (
    Client,
)
from tests.support.pictures import picture
from upload_service.settings import UploadSettings

PNG = picture("PNG", (64, 48))
SETTINGS = UploadSettings(access="open", max_upload_bytes=300_000, public_url="http://public.test")


def send(client: Client, data: bytes = PNG, name: str = "photo.png", **fields: str) -> Any:
    return client.post("/images", files={"file": (name, data)}, data=fields)


def uploaded(client: Client, **fields: Any) -> dict[str, Any]:
    answer = send(client, **fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def multipart(disposition: bytes, content: bytes = PNG) -> dict[str, Any]:
    """A hand-written form, for names that no client library would send."""
    body = b"--cut\r\nContent-Disposition: form-data; " + disposition
    body += b"\r\nContent-Type: image/png\r\n\r\n" + content + b"\r\n--cut--\r\n"
    return {"data": body, "headers": {"Content-Type": "multipart/form-data; boundary=cut"}}
