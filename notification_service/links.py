"""The links in mails: signed, so that only who has got the mail can follow them."""

from hashlib import sha256
from typing import Literal
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from notification_service.look import Options, fragment
from shared.settings import HttpSettings

Action = Literal["confirm", "unsubscribe", "delete"]
_DAY = 24 * 3600
# In seconds. An unsubscribe link must work for as long as somebody keeps the mail.
LIFETIMES: dict[Action, int | None] = {
    "confirm": 7 * _DAY,
    "unsubscribe": None,
    "delete": 30 * _DAY,
}


class BadLink(ValueError):
    """The token was changed, belongs to another action, or is too old."""


class Links:
    """Makes the URLs, and reads the tokens in them."""

    def __init__(self, settings: HttpSettings, secret: bytes) -> None:
        self._settings = settings
        self._secret = secret

    def url(self, action: Action, subject: str) -> str:
        """``subject``: the digest of an address, or for ``delete`` the image's uuid."""
        return self._settings.public_link(f"/mail/{action}/{self.token(action, subject)}")

    def again(self, uuid: UUID, options: Options) -> str:
        """The web page with this picture and these options."""
        return self._settings.public_link("/") + fragment(uuid, options)

    def token(self, action: Action, subject: str) -> str:
        return str(self._serializer(action).dumps(subject))

    def read(self, action: Action, token: str) -> str:
        """The subject of a token. Raises ``BadLink``."""
        try:
            return str(self._serializer(action).loads(token, max_age=LIFETIMES[action]))
        except BadSignature as error:
            raise BadLink("this link is not valid, or not any more") from error

    def _serializer(self, action: Action) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret,
            salt=f"mail.{action}",
            signer_kwargs={"digest_method": sha256},
        )
