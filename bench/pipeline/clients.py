"""Cheap clients: each request is built once and sent over a kept connection."""

import http.client
import itertools
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor


class Client:
    """One kept connection to 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def upload(self, form: tuple[bytes, str]) -> bytes:
        """The answer of ``POST /images``; ``form`` is a body and its content type."""
        body, content_type = form
        return self._ask("POST", "/images", body, content_type, {201})

    def dither(self, uuid: str, channels: int, options: bytes) -> None:
        path = f"/images/{uuid}/{channels}"
        self._ask("POST", path, options, "application/json", {200, 202})

    def _ask(self, method: str, path: str, body: bytes, kind: str, good: set[int]) -> bytes:
        self._connection.request(method, path, body, {"content-type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in good:
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")
        return text


def upload_form(image: bytes) -> tuple[bytes, str]:
    """An upload's body and its content type."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "content-type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + image + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def upload_many(port: int, image: bytes, count: int, clients: int) -> None:
    """``count`` uploads by ``clients`` in parallel; each sends the next after an answer."""
    form, turns, lock = upload_form(image), itertools.count(), threading.Lock()

    def work(_: int) -> None:
        client = Client(port)
        while True:
            with lock:
                if next(turns) >= count:
                    return
            client.upload(form)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
