"""Mails over SMTP to a real server: with TLS, with login, and with failures."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from notification_service.mailer import (
    MailDeferred,
    MailRefused,
    MailUnavailable,
    SmtpMailer,
)
from notification_service.settings import NotificationSettings
from tests.support.mails import dithered_mail
from tests.support.mailserver import MailServer

ADA = "ada@example.org"
LOGIN = ("mailer", "s3cret pass")


def letter(recipient: str = ADA) -> EmailMessage:
    return dithered_mail(recipient=recipient, filename="Straße.png")


def mailer(server: MailServer, **changed: Any) -> SmtpMailer:
    values = {
        "smtp_host": server.host,
        "smtp_port": server.port,
        "smtp_security": "none",
        "smtp_timeout_seconds": 5,
        **changed,
    }
    return SmtpMailer(NotificationSettings.model_validate(values))


@pytest.fixture(params=["starttls", "tls"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[MailServer, str]]:
    """A server that requires TLS and a login, and its kind of TLS."""
    with MailServer(tmp_path / "guarded", tls=request.param, login=LOGIN) as server:
        yield server, request.param


def login(server: MailServer, security: str, password: str = LOGIN[1]) -> dict[str, Any]:
    return {
        "smtp_security": security,
        "smtp_username": LOGIN[0],
        "smtp_password": password,
        "smtp_ca": server.ca_file,
    }


def test_a_mail_arrives(mail_server: MailServer) -> None:
    sent = letter()
    mailer(mail_server).send(sent)
    [mail] = mail_server.wait_for(1)
    assert mail["X-Envelope-To"] == ADA
    assert mail["X-Envelope-From"] == "no-reply@pictures.example.org"
    assert mail["Message-ID"] == sent["Message-ID"]
    assert mail["Subject"] == "Your dithered image: Straße.png"


def test_with_tls_and_a_login(guarded: tuple[MailServer, str]) -> None:
    server, security = guarded
    mailer(server, **login(server, security)).send(letter())
    server.wait_for(1)


def test_a_server_that_cannot_be_trusted_gets_no_password(guarded: tuple[MailServer, str]) -> None:
    server, security = guarded
    with pytest.raises(MailUnavailable, match="cannot be talked to"):
        mailer(server, **login(server, security) | {"smtp_ca": None}).send(letter())
    assert server.mails() == []


def test_a_wrong_password_makes_mails_wait(guarded: tuple[MailServer, str]) -> None:
    server, security = guarded
    with pytest.raises(MailUnavailable, match="refuses the login") as caught:
        mailer(server, **login(server, security, "wrong")).send(letter())
    assert "wrong" not in str(caught.value)


def test_without_the_login_that_it_wants(guarded: tuple[MailServer, str]) -> None:
    server, security = guarded
    settings = {"smtp_security": security, "smtp_ca": server.ca_file}
    with pytest.raises(MailUnavailable):
        mailer(server, **settings).send(letter())


def test_a_server_without_the_tls_that_is_asked_for_makes_mails_wait(
    mail_server: MailServer,
) -> None:
    with pytest.raises(MailUnavailable, match="STARTTLS"):
        mailer(mail_server, smtp_security="starttls").send(letter())
    assert mail_server.mails() == [], "and never goes without"


@pytest.mark.parametrize(
    ("mode", "stage", "error"),
    [
        (550, "RCPT", MailRefused),
        (552, "DATA", MailRefused),
        (451, "RCPT", MailDeferred),
        (452, "DATA", MailDeferred),
        (421, "RCPT", MailUnavailable),
        (421, "DATA", MailUnavailable),
        (451, "MAIL", MailUnavailable),
        (550, "MAIL", MailUnavailable),
        ("hangup", "MAIL", MailUnavailable),
        ("hangup", "DATA", MailUnavailable),
    ],
)
def test_what_an_answer_means(
    mail_server: MailServer, mode: int | str, stage: str, error: type[Exception]
) -> None:
    mail_server.fail(mode, stage=stage, count=1)
    with pytest.raises(error) as caught:
        mailer(mail_server).send(letter())
    assert ADA not in str(caught.value)
    mailer(mail_server).send(letter())
    assert len(mail_server.wait_for(1)) == 1


def test_a_server_that_says_nothing_is_not_waited_for_long(mail_server: MailServer) -> None:
    mail_server.fail("hang", stage="RCPT")
    with pytest.raises(MailUnavailable):
        mailer(mail_server, smtp_timeout_seconds=0.2).send(letter())


def test_a_server_that_is_not_there(mail_server: MailServer) -> None:
    mail_server.stop()
    try:
        with pytest.raises(MailUnavailable):
            mailer(mail_server).send(letter())
    finally:
        mail_server.start()
    mailer(mail_server).send(letter())
    mail_server.wait_for(1)


def test_a_mail_whose_answer_was_lost_comes_again_as_the_same_mail(
    mail_server: MailServer,
) -> None:
    mail_server.fail("lost", count=1)
    sent = letter()
    with pytest.raises(MailUnavailable):
        mailer(mail_server).send(sent)
    mailer(mail_server).send(sent)
    first, again = mail_server.wait_for(2)
    assert first["Message-ID"] == again["Message-ID"] == sent["Message-ID"]


def test_a_domain_of_any_script_is_reached(mail_server: MailServer) -> None:
    mailer(mail_server).send(letter("ada@bücher.example.org"))
    [mail] = mail_server.wait_for(1)
    assert mail["X-Envelope-To"] == "ada@xn--bcher-kva.example.org"


def test_a_server_that_knows_no_such_address_refuses_it(mail_server: MailServer) -> None:
    with pytest.raises(MailRefused, match="does not take such an address"):
        mailer(mail_server).send(letter("jörg@example.org"))
