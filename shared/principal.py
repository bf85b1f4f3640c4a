"""Who makes a request: the gateway finds out, and the services can verify what it says.

The gateway sends each service the header ``X-Principal``: owner and scopes, signed with a secret
that only gateway and services have, valid for a minute. A service that is called without it takes
the caller for nobody. With ``ACCESS=open`` there is no header, and everybody may do everything.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from itsdangerous import BadData, URLSafeSerializer

from shared.settings import AccessSettings

logger = logging.getLogger(__name__)

PRINCIPAL_HEADER = "x-principal"
# How long a service believes the header, and how much clocks of two machines may differ.
VALID_SECONDS = 60
CLOCK_SKEW_SECONDS = 30

READ, WRITE, OPERATE = "read", "write", "operate"
SCOPES = frozenset({READ, WRITE, OPERATE})


@dataclass(frozen=True, slots=True)
class Principal:
    """``owner`` is ``key:<id>`` or ``anon:<id>``, or None for somebody without an identity.

    ``is_new``: the identity was made for this request, so the client does not know it yet.
    """

    owner: str | None
    scopes: frozenset[str]
    is_new: bool = False

    @property
    def operates(self) -> bool:
        """Whether everybody's images are this caller's to see and to change."""
        return OPERATE in self.scopes

    @property
    def list_owner(self) -> str | None:
        """Whose images a list shows; None shows those of all. Not for nobody: see ``is_nobody``."""
        return None if self.operates else self.owner

    @property
    def is_nobody(self) -> bool:
        return self.owner is None and not self.operates

    def owns(self, owner: str | None) -> bool:
        """Whether something of ``owner`` (None: of nobody) may be changed by this caller."""
        return self.operates or (owner is not None and owner == self.owner)


NOBODY = Principal(None, frozenset())
# With ACCESS=open all images are everybody's.
EVERYBODY = Principal(None, SCOPES)


def signer(secret: str, purpose: str) -> URLSafeSerializer:
    """Signs values with HMAC-SHA256; a signature for one purpose is not valid for another."""
    return URLSafeSerializer(secret, salt=purpose, signer_kwargs={"digest_method": sha256})


class Principals:
    """Signs and verifies the header ``X-Principal``."""

    def __init__(self, settings: AccessSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._is_open = settings.is_open
        self._signer = signer(settings.secret, "principal")
        self._clock = clock
        self._signed = lru_cache(4096)(self._sign)

    def sign(self, principal: Principal) -> str:
        """The header's value. It stays the same for half of its time, as signing takes time."""
        period = VALID_SECONDS // 2
        return self._signed(principal, int(self._clock()) // period * period + VALID_SECONDS)

    def _sign(self, principal: Principal, expires: int) -> str:
        said = [principal.owner, sorted(principal.scopes), principal.is_new, expires]
        return str(self._signer.dumps(said))

    def verify(self, header: str | None) -> Principal:
        """The caller. Without the header, or if it is not valid, the caller is nobody."""
        if self._is_open:
            return EVERYBODY
        if header is None:
            return NOBODY
        try:
            owner, scopes, is_new, expires = self._signer.loads(header)
        except (BadData, ValueError, TypeError):
            logger.warning("a principal's signature is wrong: does PRINCIPAL_SECRET differ?")
            return NOBODY
        left = expires - self._clock()
        if not -CLOCK_SKEW_SECONDS < left < VALID_SECONDS + CLOCK_SKEW_SECONDS:
            logger.warning("a principal has expired: do the machines' clocks differ?")
            return NOBODY
        return Principal(owner, frozenset(scopes), is_new)


def install_principals(app: FastAPI, settings: AccessSettings) -> None:
    """Let the routes of a service's app ask for their ``Caller``."""
    app.state.principals = Principals(settings)


def caller(request: Request) -> Principal:
    """Who makes the request (a FastAPI dependency)."""
    principals: Principals = request.app.state.principals
    return principals.verify(request.headers.get(PRINCIPAL_HEADER))


Caller = Annotated[Principal, Depends(caller)]
