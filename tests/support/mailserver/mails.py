"""The mails that the server accepted, as files `<number>.eml`."""

import email
import email.parser
import email.policy
import itertools
import time
from email.message import EmailMessage
from pathlib import Path

FROM, TO = "X-Envelope-From", "X-Envelope-To"
_POLL_SECONDS = 0.02


class Mailbox:
    """Writes mails into a directory; each appears there complete or not at all."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        taken = [int(path.stem) for path in directory.glob("*.eml")]
        self._numbers = itertools.count(max(taken, default=0) + 1)

    def add(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Stores the mail with two added headers: sender and recipients of the dialogue."""
        head = f"{FROM}: {sender}\r\n{TO}: {', '.join(recipients)}\r\n"
        path = self.directory / f"{next(self._numbers):06d}.eml"
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(head.encode() + content)
        unfinished.rename(path)


def read_mails(directory: Path) -> list[EmailMessage]:
    """All mails so far, oldest first."""
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(directory.glob("*.eml"))
    ]


def message_ids(directory: Path) -> list[str]:
    """Message-IDs of all mails, oldest first; reading thousands of whole mails takes minutes."""
    parser = email.parser.BytesHeaderParser()
    mails = (parser.parsebytes(path.read_bytes()) for path in sorted(directory.glob("*.eml")))
    return [str(mail["Message-ID"]) for mail in mails]


def wait_for_mails(directory: Path, count: int, *, seconds: float = 10.0) -> list[EmailMessage]:
    """All mails as soon as there are `count` of them; AssertionError if that takes too long."""
    deadline = time.monotonic() + seconds
    while len(list(directory.glob("*.eml"))) < count:
        if time.monotonic() > deadline:
            found = len(list(directory.glob("*.eml")))
            raise AssertionError(f"{found} mails after {seconds} s, expected {count}")
        time.sleep(_POLL_SECONDS)
    return read_mails(directory)
