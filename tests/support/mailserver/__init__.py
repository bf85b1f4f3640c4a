"""A real SMTP server that keeps every mail as a file, and fails on request.

In a test: `with MailServer(directory) as server`. As a process:
`python -m tests.support.mailserver --port N --maildir DIR`, controlled by two SMTP commands of its
own: `XFAIL 451 DATA 3` and `XRECOVER` (see `Troubles`).
"""

from tests.support.mailserver.mails import read_mails, wait_for_mails
from tests.support.mailserver.server import MailServer

__all__ = ["MailServer", "read_mails", "wait_for_mails"]
