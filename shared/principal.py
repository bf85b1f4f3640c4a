"""Who makes a request: the gateway finds out, and the services can verify what it says.

The gateway sends each service the header ``X-Principal``: owner, scopes and quotas, signed with a
secret that only gateway and services have, valid for a minute. A service that is called without it
takes the caller for nobody. With ``ACCESS=open`` there is no header, and everybody may do
everything.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from itsdangerous import BadData

from shared.problems import Problem
from shared.settings import AccessSettings
from shared.signing import MAX_CHARACTERS, signer

logger = logging.getLogger(__name__)

PRINCIPAL_HEADER = "x-principal"
# How long a service believes the header, and how much clocks of two machines may differ.
VALID_SECONDS = 60
CLOCK_SKEW_SECONDS = 30
CACHED = 4096

READ, WRITE, OPERATE = "read", "write", "operate"
SCOPES = frozenset({READ, WRITE, OPERATE})


@dataclass(frozen=True, slots=True)
class Principal:
    """``owner`` is ``key:<id>`` or ``anon:<id>``, or None for somebody without an identity.

    ``is_new``: the identity was made for this request, so the client does not know it yet.
    ``quotas``: names and numbers that replace the settings' bounds for this owner.
    """

    owner: str | None
    scopes: frozenset[str]
    is_new: bool = False
    quotas: tuple[tuple[str, int], ...] = ()

    @property
    def operates(self) -> bool:
        """Whether everybody's images are this caller's to see and to change."""
        return OPERATE in self.scopes

    @property
    def is_nobody(self) -> bool:
        return self.owner is None and not self.operates

    @property
    def is_anonymous(self) -> bool:
        return self.owner is not None and self.owner.startswith("anon:")

    def may(self, scope: str) -> bool:
        return self.operates or scope in self.scopes

    def owns(self, owner: str | None) -> bool:
        """Whether something of ``owner`` (None: of nobody) may be changed by this caller."""
        return self.operates or (owner is not None and owner == self.owner)

    def quota(self, name: str, default: int) -> int:
        """A bound on what is this owner's; 0: none."""
        return dict(self.quotas).get(name, default)


# With ACCESS=open all images are everybody's.
EVERYBODY = Principal(None, SCOPES)
# With ACCESS=owned whoever has a link may read what it shows.
# They may write, too, but nothing is theirs.
NOBODY = Principal(None, frozenset({READ, WRITE}))
# With ACCESS=keys they may do nothing.
UNKNOWN = Principal(None, frozenset())


class Principals:
    """Signs and verifies the header ``X-Principal``."""

    def __init__(self, settings: AccessSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._is_open = settings.is_open
        self._nobody = NOBODY if settings.access_mode == "owned" else UNKNOWN
        self._signer = signer(settings.secret, "principal")
        self._clock = clock
        # The same header comes with many requests, and HMAC and JSON take some 50 µs.
        self._signed = lru_cache(CACHED)(self._sign)
        self._read = lru_cache(CACHED)(self._load)

    def sign(self, principal: Principal) -> str:
        """The header's value. It stays the same for half of its time, as signing takes time."""
        period = VALID_SECONDS // 2
        return self._signed(principal, int(self._clock()) // period * period + VALID_SECONDS)

    def _sign(self, principal: Principal, expires: int) -> str:
        said = [
            principal.owner,
            sorted(principal.scopes),
            principal.is_new,
            principal.quotas,
            expires,
        ]
        return str(self._signer.dumps(said))

    def verify(self, header: str | None) -> Principal:
        """The caller. Without the header, or if it is not valid, the caller is nobody."""
        if self._is_open:
            return EVERYBODY
        if header is None:
            return self._nobody
        if len(header) > MAX_CHARACTERS or (known := self._read(header)) is None:
            logger.warning("a principal's signature is wrong: does PRINCIPAL_SECRET differ?")
            return self._nobody
        principal, expires = known
        left = expires - self._clock()
        if not -CLOCK_SKEW_SECONDS < left < VALID_SECONDS + CLOCK_SKEW_SECONDS:
            logger.warning("a principal has expired: do the machines' clocks differ?")
            return self._nobody
        return principal

    def _load(self, header: str) -> tuple[Principal, int] | None:
        """The principal, and when it ends; None if we have not signed it."""
        try:
            owner, scopes, is_new, quotas, expires = self._signer.loads(header)
        except (BadData, ValueError, TypeError):
            return None
        named = tuple((name, number) for name, number in quotas)
        return Principal(owner, frozenset(scopes), is_new, named), expires


def is_shown_state(caller: Principal, settings: AccessSettings) -> bool:
    """Whether the caller may see metrics, and the parts of a health report.

    With ``ACCESS=open`` everybody operates. On a network they still do not see this.
    """
    return caller.operates and (settings.is_local or not settings.is_open)


def permit_state(caller: Principal, settings: AccessSettings) -> None:
    """Raises ``Problem`` 401 or 403 for who may not see metrics."""
    permit(caller, OPERATE)
    if not is_shown_state(caller, settings):
        raise Problem(403, "With ACCESS=open, metrics are shown on METRICS_PORT only.")


def install_principals(app: FastAPI, settings: AccessSettings) -> None:
    """Let the routes of a service's app ask for their ``Reader``, ``Writer``."""
    app.state.principals = Principals(settings)


async def caller(request: Request) -> Principal:
    """Who makes the request (a FastAPI dependency, as the three below).

    They are coroutines, because FastAPI would call functions in a thread each.
    """
    principals: Principals = request.app.state.principals
    return principals.verify(request.headers.get(PRINCIPAL_HEADER))


Caller = Annotated[Principal, Depends(caller)]


async def reader(caller: Caller) -> Principal:
    """A caller who may read. Raises ``Problem`` 401 or 403."""
    permit(caller, READ)
    return caller


async def writer(caller: Caller) -> Principal:
    """A caller who may write. Raises ``Problem`` 401 or 403."""
    permit(caller, WRITE)
    return caller


async def creator(caller: Caller) -> Principal:
    """A caller whose something can be. Raises ``Problem`` 401 or 403."""
    permit(caller, WRITE)
    if caller.is_nobody:
        raise _needs_identity()
    return caller


Reader = Annotated[Principal, Depends(reader)]
Writer = Annotated[Principal, Depends(writer)]
Creator = Annotated[Principal, Depends(creator)]


def permit(principal: Principal, scope: str) -> None:
    """Raises ``Problem``: 401 for somebody without an identity, 403 for a key without the scope."""
    if principal.may(scope):
        return
    if principal.is_nobody:
        raise _needs_identity()
    has = ", ".join(sorted(principal.scopes))
    raise Problem(403, f"This needs the scope {scope}; you have {has}.")


def _needs_identity() -> Problem:
    detail = "This needs an API key: send it as X-API-Key, or as Authorization: Bearer."
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
