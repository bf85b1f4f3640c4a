"""Signed values: identities that clients keep, and links that end.

Each purpose has a key of its own, derived from ``PRINCIPAL_SECRET``, so that a signature made for
one is worth nothing for another.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import parse_qs

from itsdangerous import BadData, Signer, URLSafeSerializer

DAY = 86_400
# What is longer was not signed by us, and is not worth the memory of remembering that.
MAX_CHARACTERS = 1024


def signer(secret: str, purpose: str) -> URLSafeSerializer:
    """Writes and reads signed JSON (HMAC-SHA256)."""
    return URLSafeSerializer(secret, salt=purpose, signer_kwargs={"digest_method": sha256})


class Identities:
    """Anonymous owners as texts that only we can make: the cookie, and ``manage_token``."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer(secret, "identity")
        self._clock = clock
        # A browser sends the same cookie with each request.
        self._known = lru_cache(4096)(self._load)

    def issue(self, owner: str) -> str:
        return str(self._signer.dumps([owner, int(self._clock()) // DAY]))

    def read(self, token: str) -> tuple[str, int] | None:
        """The owner, and the age of the token in days; None if the token is not ours."""
        if len(token) > MAX_CHARACTERS or (known := self._known(token)) is None:
            return None
        owner, day = known
        return owner, int(self._clock()) // DAY - day

    def _load(self, token: str) -> tuple[str, int] | None:
        try:
            owner, day = self._signer.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        return owner, day


class Links:
    """Links to files that may not be read by everybody: each is signed, and ends."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._signer = Signer(secret, salt="link", digest_method=sha256)
        self._clock = clock

    def sign(self, path: str, seconds: int) -> str:
        """The path with a signature that is valid for ``seconds`` to twice ``seconds``.

        Within that time it stays the same, so that browsers can keep the file.
        """
        expires = (int(self._clock()) // seconds + 2) * seconds
        return f"{path}?expires={expires}&signature={self._signature(path, str(expires))}"

    def is_valid(self, path: str, query: str) -> bool:
        try:
            given = parse_qs(query, max_num_fields=4)
        except ValueError:
            return False
        expires, signature = (given.get(name, [""])[0] for name in ("expires", "signature"))
        if not compare_digest(self._signature(path, expires).encode(), signature.encode()):
            return False
        return int(expires) > self._clock()

    def _signature(self, path: str, expires: str) -> str:
        return self._signer.get_signature(f"{path}?{expires}").decode("ascii")
