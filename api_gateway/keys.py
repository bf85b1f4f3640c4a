"""API keys: who may use the API, if ``GATEWAY_API_KEYS`` is set."""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256


class ApiKeys:
    """Only digests are kept, so that the time of a comparison reveals neither key nor length."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def identify(self, fields: Mapping[bytes, bytes]) -> str | None:
        """A name, safe for logs, for the request's key; None if it has no valid key."""
        said = fields.get(b"x-api-key")
        if said is None:
            scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
            said = token.strip() if scheme.lower() == b"bearer" else b""
        digest = sha256(said).digest()
        known = [hmac.compare_digest(candidate, digest) for candidate in self._digests]
        return f"key-{digest[:4].hex()}" if any(known) else None
