"""The server as tests start and control it."""

import threading
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.support.cloudinary_server.account import Account, Asset
from tests.support.cloudinary_server.failures import KINDS, Failures
from tests.support.cloudinary_server.http import HttpServer


class CloudinaryServer:
    """One Cloudinary account on loopback; everything may be called from any thread."""

    def __init__(
        self,
        *,
        port: int = 0,
        cloud_name: str = "test-cloud",
        api_key: str = "123456789012345",
        api_secret: str = "test-secret",
        max_bytes: int = 100_000_000,
        private_cdn: bool = False,
    ) -> None:
        self._account = Account(
            cloud_name=cloud_name,
            api_key=api_key,
            api_secret=api_secret,
            max_bytes=max_bytes,
            private_cdn=private_cdn,
        )
        self._failures = Failures()
        self._http = HttpServer(port, self._account, self._failures)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return self._http.url

    @property
    def calls(self) -> Counter[str]:
        """How often each kind was called: upload, destroy, delivery, admin."""
        return self._failures.calls

    @property
    def assets(self) -> dict[str, Asset]:
        """The files by public id."""
        return self._account.assets

    def environment(self) -> dict[str, str]:
        """The variables with which a service talks to this server."""
        return {
            "CLOUDINARY_CLOUD_NAME": self._account.cloud_name,
            "CLOUDINARY_API_KEY": self._account.api_key,
            "CLOUDINARY_API_SECRET": self._account.api_secret,
            "CLOUDINARY_UPLOAD_PREFIX": self.url,
            "CLOUDINARY_DELIVERY_URL": self.url,
        }

    def fail(
        self, mode: str | int, *, count: int | None = None, kinds: Iterable[str] = KINDS
    ) -> None:
        """Fail the next `count` calls of `kinds`, or all until `recover`; modes: see Failure."""
        self._failures.fail(mode, count=count, kinds=kinds)

    def recover(self) -> None:
        """Work again; hanging calls continue."""
        self._failures.recover()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Closes every connection, also those that hang, and waits for their threads."""
        self.recover()
        self._http.shutdown()
        self._http.close_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
