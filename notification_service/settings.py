"""The settings of the notification service, all of them environment variables."""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings import LOOPBACK, MIN_SECRET_CHARACTERS, Addresses, ServiceSettings
from shared.settings.pem import check_authorities
from shared.storage.settings import StorageSettings

# RFC 2047: the beginning of an encoded word. EmailMessage decodes encoded words in the text of a
# header, and Python before 3.11.10 and 3.12.5 then writes the line breaks that they contain.
ENCODED_WORD = "=?"


class NotificationSettings(ServiceSettings, StorageSettings):
    port: int = Field(8003, ge=1, le=65535, description="Port to listen on")
    database_pool_size: int = Field(
        1,
        ge=1,
        description="Most connections one process holds (upload 2, dither 2, notification 1)",
    )
    upload_service_url: Addresses = Field(
        "http://127.0.0.1:8001", description="Upload service: one address, or several with commas"
    )
    upload_service_timeout_seconds: float = Field(
        3, gt=0, description="How long the upload service may take to tell of an image"
    )
    smtp_host: str | None = Field(
        None, description="Mail server; unset: mails are written to DATA_DIR/outbox as .eml files"
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls (from the first byte) or none (only near by)"
    )
    smtp_username: str | None = Field(None, description="Login at the mail server, if it asks")
    smtp_password: SecretStr | None = Field(None, description="Its password")
    smtp_ca: Path | None = Field(
        None, description="File with the mail server's CA, if no public one signed it"
    )
    smtp_timeout_seconds: float = Field(
        10, gt=0, description="How long the mail server may take for one step"
    )
    mail_from: str = Field(
        "Dither <no-reply@dither.invalid>", description="Sender of the mails, at a domain of yours"
    )
    mail_secret: SecretStr | None = Field(
        None,
        description="Signs the links in mails and hides addresses; unset: one kept in the database",
    )
    mail_confirm: bool | None = Field(
        None,
        description="Ask each new address first whether it wants mails; unset: yes, unless"
        " PUBLIC_URL is this machine",
    )
    mails_per_hour: int = Field(
        20, ge=1, description="Most mails an hour to one address; more wait for their turn"
    )
    mails_per_day: int = Field(
        200, ge=1, description="Most mails a day for one owner; more wait for their turn"
    )
    mails_per_hour_in_all: int = Field(
        1000, ge=1, description="Most mails an hour in all; confirmations take at most half of it"
    )
    mails_waiting: int = Field(
        200, ge=1, description="Most mails of one owner that wait; more are not sent"
    )
    mails_waiting_in_all: int = Field(
        10_000, ge=1, description="Most mails that wait in all; more are not sent"
    )
    mail_give_up_hours: float = Field(
        24, gt=0, description="After this a mail that nobody takes or confirms counts as failed"
    )
    address_retention_hours: float = Field(
        24, gt=0, description="How long after its last mail an address is forgotten"
    )

    @property
    def asks_first(self) -> bool:
        """Whether an address must confirm that it wants mails."""
        if self.mail_confirm is not None:
            return self.mail_confirm
        return urlsplit(self.public_url).hostname not in LOOPBACK

    @field_validator("mail_from")
    @classmethod
    def _is_one_address(cls, text: str) -> str:
        name, address = parseaddr(text)
        try:
            if ENCODED_WORD in text:
                raise ValueError
            Address(name, addr_spec=address)
        except (ValueError, IndexError, HeaderParseError) as error:
            raise ValueError("MAIL_FROM must be like Name <name@example.org>") from error
        return text

    @field_validator("mail_secret")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"must have {MIN_SECRET_CHARACTERS} characters or more")
        return secret

    @field_validator("smtp_ca")
    @classmethod
    def _smtp_ca_is_readable(cls, path: Path | None) -> Path | None:
        if path is not None:
            check_authorities(str(path))
        return path

    @model_validator(mode="after")
    def _login_is_complete(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USERNAME and SMTP_PASSWORD must be set both, or neither")
        if self.smtp_username is None or self.smtp_password is None:
            return self
        if not (self.smtp_username + self.smtp_password.get_secret_value()).isascii():
            raise ValueError("SMTP_USERNAME and SMTP_PASSWORD can have ASCII characters only")
        if self.smtp_security == "none":
            raise ValueError("SMTP_SECURITY=none would send the password for all to read")
        return self
