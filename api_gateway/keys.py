"""API keys. ``python -m api_gateway.keys new NAME`` makes one; only its hash is configured.

An entry of ``GATEWAY_API_KEYS`` is id, scopes, hash, quotas: ``shop:read+write:5f2e…:images=50``.
"""

import argparse
import re
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from shared.principal import SCOPES, Principal
from shared.problems import Problem

# Stored images and bytes, CPU seconds of queued work, mails a day.
QUOTAS = ("images", "bytes", "seconds", "mails")
_ENTRY = re.compile(
    r"(?P<id>[A-Za-z0-9_-]{1,64}):(?P<scopes>[a-z]+(?:\+[a-z]+)*):(?P<hash>[0-9a-f]{64})"
    r"(?P<quotas>(?::[a-z]+=[0-9]{1,18})*)"
)


class ApiKeys:
    """Keys are looked up by their hash: they are random, and long enough to need no salt."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._principals = dict(map(parse_entry, entries))

    def identify(self, fields: Mapping[bytes, bytes]) -> Principal | None:
        """Whose key the request has; None without a key. Raises ``Problem`` 401."""
        said = fields.get(b"x-api-key")
        if said is None:
            scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
            said = token.strip() if scheme.lower() == b"bearer" else b""
        if not said or not self._principals:
            return None
        if (principal := self._principals.get(sha256(said).hexdigest())) is None:
            raise Problem(401, "This API key is unknown.", headers={"WWW-Authenticate": "Bearer"})
        return principal


def parse_entry(text: str) -> tuple[str, Principal]:
    """The hash of an entry's key, and who has the key. Raises ValueError."""
    entry = _ENTRY.fullmatch(text)
    scopes = frozenset(entry["scopes"].split("+")) if entry else frozenset()
    named = [part.partition("=") for part in entry["quotas"].split(":")[1:]] if entry else []
    if entry is None or scopes - SCOPES or {name for name, _, _ in named} - set(QUOTAS):
        raise ValueError(
            "GATEWAY_API_KEYS must have entries such as shop:read+write:<hash>, as "
            '"python -m api_gateway.keys new shop" prints them; '
            f"scopes: {', '.join(sorted(SCOPES))}; quotas: {', '.join(QUOTAS)}"
        )
    quotas = tuple((name, int(number)) for name, _, number in named)
    return entry["hash"], Principal(f"key:{entry['id']}", scopes, quotas=quotas)


def new_key(name: str, scopes: str, quotas: Mapping[str, int | None]) -> tuple[str, str]:
    """A key, and its entry for the settings. Raises ValueError."""
    key = secrets.token_urlsafe(32)
    given = "".join(f":{quota}={number}" for quota, number in quotas.items() if number is not None)
    entry = f"{name}:{scopes.replace(',', '+')}:{sha256(key.encode()).hexdigest()}{given}"
    parse_entry(entry)
    return key, entry


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m api_gateway.keys", description="API keys")
    new = parser.add_subparsers(required=True).add_parser("new", help="make a key")
    new.add_argument("name", help="the key's id: letters, digits, - and _")
    new.add_argument("--scopes", default="read,write", help="read, write, operate, with commas")
    for quota in QUOTAS:
        new.add_argument(f"--{quota}", type=int, metavar="N", help=f"quota of {quota}")
    given = parser.parse_args(arguments)
    try:
        key, entry = new_key(given.name, given.scopes, {q: getattr(given, q) for q in QUOTAS})
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(f"The key, which is shown only now: {key}\n")
    sys.stdout.write(f"Add to GATEWAY_API_KEYS: {entry}\n")


if __name__ == "__main__":
    main()
