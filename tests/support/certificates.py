"""Certificates for tests, as PEM texts."""

from dataclasses import dataclass

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key (PKCS #8, which Java reads as well)."""

    certificate: str
    key: str


def authority_pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def issue(authority: trustme.CA, *names: str, common_name: str | None = None) -> Pair:
    """A certificate for these host names or addresses."""
    issued = authority.issue_cert(*names, common_name=common_name)
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    return Pair(
        issued.cert_chain_pems[0].bytes().decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )
