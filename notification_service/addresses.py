"""Which addresses are one mailbox, and how a mailbox is remembered without its address."""

import hmac

# Providers that ignore dots in the part before the @.
_WITHOUT_DOTS = frozenset({"gmail.com", "googlemail.com"})


def mailbox(address: str) -> str:
    """The mailbox behind an address: in lower case, without ``+tag``; Gmail's without dots."""
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _WITHOUT_DOTS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def digest(address: str, secret: bytes) -> str:
    """64 hexadecimal digits for the mailbox; nobody can test a guess without ``secret``."""
    return hmac.digest(secret, mailbox(address).encode(), "sha256").hex()
