"""One SMTP dialogue, and the failures that can be requested."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.support.mailserver.mails import Mailbox

STAGES = ("MAIL", "RCPT", "DATA")


@dataclass(slots=True)
class Trouble:
    mode: str
    stage: str
    count: int | None


class Troubles:
    """The failures to come; safe to use from any thread.

    `mode` is an SMTP code (`451`, `550`), `hangup` (the connection is cut), `hang` (no answer), or,
    in stage DATA, `lost` (the mail is kept, and the connection cut before the answer).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble: Trouble | None = None

    def set(self, mode: str, stage: str, count: int | None) -> None:
        assert stage in STAGES
        with self._lock:
            self._trouble = Trouble(mode, stage, count)

    def clear(self) -> None:
        with self._lock:
            self._trouble = None

    def take(self, stage: str) -> str | None:
        with self._lock:
            trouble = self._trouble
            if trouble is None or trouble.stage != stage or trouble.count == 0:
                return None
            if trouble.count is not None:
                trouble.count -= 1
            return trouble.mode


class Handler:
    """The server's action at each stage of a dialogue. The names are aiosmtpd's."""

    def __init__(self, mailbox: Mailbox, troubles: Troubles, login: tuple[str, str] | None) -> None:
        self._mailbox = mailbox
        self._troubles = troubles
        self._login = login

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self._login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if refusal := await self._refusal(server, "MAIL"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if refusal := await self._refusal(server, "RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        mode = self._troubles.take("DATA")
        if mode and mode != "lost":
            return await _go_wrong(server, mode)
        self._mailbox.add(envelope.mail_from, envelope.rcpt_tos, envelope.original_content)
        if mode:
            return await _go_wrong(server, "hangup")
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword) or self._login is None:
            return AuthResult(success=False, handled=False)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)

    async def _refusal(self, server: SMTP, stage: str) -> str | None:
        mode = self._troubles.take(stage)
        return await _go_wrong(server, mode) if mode else None


async def _go_wrong(server: SMTP, mode: str) -> str:
    if mode == "hang":
        await asyncio.sleep(120)  # ended by `stop`, which cancels the dialogue
    if mode in {"hang", "hangup"}:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
        return "421 Gone"  # read by nobody
    return f"{mode} Told to answer {mode}"


class Dialogue(SMTP):
    """aiosmtpd's SMTP, with two commands by which another process controls the server."""

    def __init__(self, handler: Handler, troubles: Troubles, **options: Any) -> None:
        self._troubles = troubles
        super().__init__(
            handler, hostname="mail.test", authenticator=handler.authenticate, **options
        )

    async def smtp_XFAIL(self, arguments: str) -> None:
        mode, stage, *count = arguments.split()
        self._troubles.set(mode, stage, int(count[0]) if count else None)
        await self.push("250 OK")

    async def smtp_XRECOVER(self, arguments: str) -> None:
        self._troubles.clear()
        await self.push("250 OK")
