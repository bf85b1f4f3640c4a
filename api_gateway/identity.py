"""Who calls: an API key, a token that a program keeps, or a browser's cookie."""

import secrets
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from api_gateway.keys import ApiKeys
from api_gateway.limits import client_of
from api_gateway.settings import GatewaySettings
from shared.http import Scope
from shared.principal import EVERYBODY, NOBODY, READ, UNKNOWN, WRITE, Principal, Principals, permit
from shared.problems import Problem
from shared.settings import LOOPBACK
from shared.signing import Identities

COOKIE = "dither"
COOKIE_SECONDS = 400 * 86_400  # browsers keep none for longer
RENEWED_AFTER_DAYS = 30
ANONYMOUS = frozenset({READ, WRITE})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticate:
    """Finds out who calls. It runs before the limits, which count by key or address."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._keys = ApiKeys(settings.api_keys)
        self._identities = Identities(settings.secret)
        self._mode = settings.access_mode
        self._nobody = NOBODY if self._mode == "owned" else UNKNOWN

    def __call__(self, scope: Scope) -> None:
        client = scope["access"]["client"] = scope["client"][0]
        scope.update(account=client_of(client), cookie_days=None, refusal=None)
        if self._mode == "open":
            scope["principal"] = EVERYBODY
        else:
            try:
                scope["principal"] = self._principal(scope) or self._nobody
            except Problem as problem:  # raised after the limits, so that guesses count
                scope.update(principal=UNKNOWN, refusal=problem)
        owner = scope["principal"].owner
        if owner is not None and not scope["principal"].is_anonymous:
            scope["account"] = scope["access"]["key"] = owner

    def _principal(self, scope: Scope) -> Principal | None:
        fields = scope["fields"]
        if (principal := self._keys.identify(fields)) is not None:
            return principal
        if self._mode == "keys":
            return None
        if (token := fields.get(b"x-manage-token")) is not None:
            if (known := self._identities.read(token.decode("latin-1"))) is None:
                raise Problem(401, "X-Manage-Token: this token is not valid.")
            return Principal(known[0], ANONYMOUS)
        cookies = cookie_parser(fields.get(b"cookie", b"").decode("latin-1"))
        if (known := self._identities.read(cookies.get(cookie_name(self._settings), ""))) is None:
            return None
        scope["cookie_days"] = known[1]
        return Principal(known[0], ANONYMOUS)


class Authorize:
    """Refuses those who may not; gives an identity to those who write for the first time."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._principals = Principals(settings)
        self._identities = Identities(settings.secret)
        # Open because nobody said otherwise: then only for this machine's own pages and programs.
        self._is_open = settings.is_open
        is_default = self._is_open and settings.access is None
        names = {*LOOPBACK, settings.host, urlsplit(settings.public_url).hostname}
        self._names = names if is_default else None
        self._is_guarded = is_default and not settings.gateway_cors_origins

    def __call__(self, scope: Scope) -> None:
        if self._names is not None and scope["host"] not in self._names:
            raise Problem(421, "This server answers only requests for localhost.")
        row = scope["row"]
        if row is not None and not row.open and scope["method"] != "OPTIONS":
            self._authorize(scope)
        if row is not None and not self._is_open:
            scope["principal_header"] = self._principals.sign(scope["principal"])

    def _authorize(self, scope: Scope) -> None:
        if scope["refusal"] is not None:
            raise scope["refusal"]
        writes = scope["method"] not in SAFE
        permit(scope["principal"], WRITE if writes else READ)
        has_cookie = scope["cookie_days"] is not None
        if writes and (has_cookie or self._is_guarded) and not self._is_own_page(scope):
            raise Problem(403, "Pages of other sites may not send this request.")
        if writes and scope["row"].stores_file:
            self._give_identity(scope)

    def _give_identity(self, scope: Scope) -> None:
        """A new owner, also as a cookie; a cookie that is used is renewed in time."""
        principal, days = scope["principal"], scope["cookie_days"]
        if principal.is_nobody:
            owner = f"anon:{secrets.token_urlsafe(16)}"
            principal = scope["principal"] = Principal(owner, ANONYMOUS, is_new=True)
        if (principal.is_new or (days or 0) > RENEWED_AFTER_DAYS) and self._is_own_page(scope):
            cookie = (b"set-cookie", self._cookie(principal.owner).encode("ascii"))
            scope["answer_fields"] = [*scope["answer_fields"], cookie]

    def _cookie(self, owner: str) -> str:
        secure = "; Secure" if self._settings.is_https else ""
        return (
            f"{cookie_name(self._settings)}={self._identities.issue(owner)}; "
            f"Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )

    def _is_own_page(self, scope: Scope) -> bool:
        """Whether our own page asks, or no browser does."""
        fields = scope["fields"]
        if (site := fields.get(b"sec-fetch-site")) is not None:
            return site in {b"same-origin", b"none"}
        if (origin := fields.get(b"origin")) is None:
            return True
        host = urlsplit(origin.decode("latin-1")).netloc
        public = urlsplit(self._settings.public_url).netloc
        return host in {fields.get(b"host", b"").decode("latin-1"), public}


def cookie_name(settings: GatewaySettings) -> str:
    """With the prefix, browsers take the cookie from this very host only, over https."""
    return f"__Host-{COOKIE}" if settings.is_https else COOKIE
