"""The server as tests start and control it."""

import asyncio
import tempfile
import threading
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.support.mailserver.mails import (
    Mailbox,
    message_ids,
    read_mails,
    wait_for_mails,
)
from tests.support.mailserver.protocol import Dialogue, Handler, Troubles
from tests.support.mailserver.tls import make_certificate, server_context


class MailServer:
    """SMTP on 127.0.0.1 in its own thread; the mails stay in `directory` after it stops.

    `tls`: "starttls" offers TLS, "tls" uses it from the start; `ca_file` then has the certificate
    that clients must trust. With `login` (user, password), clients must log in before sending. A
    stopped server can be started again on the same port.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        tls: Literal["none", "starttls", "tls"] = "none",
        login: tuple[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.port = port
        self.login = login
        self.ca_file: Path | None = None
        self._tls = tls
        self._troubles = Troubles()
        self._handler = Handler(Mailbox(directory), self._troubles, login)
        self._options: dict[str, Any] = {"auth_require_tls": tls == "starttls"}
        self._certificate: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Returns when mail can be sent; OSError if the port is taken."""
        context = None
        if self._tls != "none":
            self._certificate = tempfile.TemporaryDirectory()
            self.ca_file = make_certificate(Path(self._certificate.name))
            context = server_context(self.ca_file)
        if self._tls == "starttls":
            self._options |= {"tls_context": context, "require_starttls": True}
            context = None
        self._loop = asyncio.new_event_loop()
        self._dialogues: set[Dialogue] = set()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(self._answer, self.host, self.port, ssl=context)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cuts all connections and waits for the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._close())
        self._loop.close()
        if self._certificate is not None:
            self._certificate.cleanup()

    def fail(self, mode: str | int, *, stage: str = "DATA", count: int | None = None) -> None:
        """Fail at `stage` the next `count` times, or until `recover`; modes: see Troubles."""
        self._troubles.set(str(mode), stage, count)

    def recover(self) -> None:
        self._troubles.clear()

    def mails(self) -> list[EmailMessage]:
        """All mails so far, oldest first."""
        return read_mails(self.directory)

    def message_ids(self) -> list[str]:
        """The Message-IDs of all mails so far, oldest first."""
        return message_ids(self.directory)

    def wait_for(self, count: int, *, seconds: float = 10.0) -> list[EmailMessage]:
        """All mails as soon as there are `count` of them."""
        return wait_for_mails(self.directory, count, seconds=seconds)

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

    def _answer(self) -> Dialogue:
        dialogue = Dialogue(self._handler, self._troubles, loop=self._loop, **self._options)
        self._dialogues.add(dialogue)
        return dialogue

    async def _close(self) -> None:
        self._server.close()
        for dialogue in self._dialogues:
            if isinstance(dialogue.transport, asyncio.Transport):
                dialogue.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._server.wait_closed()
