"""Clients that repeat a request until it succeeds, and record what was promised."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import requests

from tests.faults.ledger import HANG_SECONDS, Ledger
from tests.support.pictures import photograph

GIVE_UP_SECONDS = 120.0
PAUSE_SECONDS = 0.2


class Clients:
    """Each thread keeps its connection open, as a browser would."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url = url
        self._ledger = ledger
        self._picture = photograph(48, 32)
        self._local = threading.local()

    def upload(self, number: int, *, email: bool = True) -> str:
        """The uuid of the answer; earlier attempts may have stored the image as well."""
        address = f"reader{number}@example.org" if email else None
        fields = {"email": address} if address else {}

        def ask() -> requests.Response:
            file = (f"{number}.jpg", self._picture)
            return self._session.post(
                f"{self._url}/images", files={"file": file}, data=fields, timeout=HANG_SECONDS
            )

        answer = self._until(f"upload {number}", ask, {201})
        uuid = str(answer.json()["uuid"])
        self._ledger.uploaded(uuid, address)
        return uuid

    def request(self, uuid: str, channels: int) -> None:
        ask = self._asking("POST", f"/images/{uuid}/{channels}")
        self._until(f"dither {channels} of {uuid}", ask, {200, 202})
        self._ledger.requested(uuid, channels)

    def delete(self, uuid: str) -> None:
        """404 counts like 204: an earlier attempt may have deleted it."""
        self._until(f"delete of {uuid}", self._asking("DELETE", f"/images/{uuid}"), {204, 404})
        self._ledger.deleted(uuid)

    def look(self, uuid: str) -> None:
        self._until(f"image {uuid}", self._asking("GET", f"/images/{uuid}"), {200})

    def list_images(self) -> None:
        self._until("list", self._asking("GET", "/images?limit=20"), {200})

    def upload_many(self, numbers: Iterable[int], *, threads: int = 4) -> list[str]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.upload, numbers))

    def _asking(self, method: str, path: str) -> Callable[[], requests.Response]:
        return partial(self._session.request, method, self._url + path, timeout=HANG_SECONDS)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    def _until(
        self, what: str, ask: Callable[[], requests.Response], good: set[int]
    ) -> requests.Response:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            started = time.monotonic()
            try:
                answer = ask()
            except requests.Timeout:
                self._ledger.hung(what)
            except requests.RequestException:
                pass  # the gateway itself is down: nothing was promised
            else:
                taken = time.monotonic() - started
                self._ledger.answered(
                    what, answer.status_code, taken, answer.headers.get("Retry-After")
                )
                if answer.status_code in good:
                    return answer
                if answer.status_code < 500:
                    raise AssertionError(f"{what}: {answer.status_code} {answer.text}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: nothing promised within {GIVE_UP_SECONDS} s")
            time.sleep(PAUSE_SECONDS)
