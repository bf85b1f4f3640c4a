"""Certificates and keys in settings: a file's path, or the PEM text itself.

The text may have its line breaks as ``\\n``, as in files of variables.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# More would fill a pipe; a chain of certificates has a tenth of it.
_LONGEST_TEXT = 60_000


def pem_text(value: str) -> str | None:
    """The text, or None if the value is a path."""
    return value.replace("\\n", "\n") if value.lstrip().startswith("-----BEGIN") else None


def check_authorities(value: str) -> None:
    """Raises ValueError unless these are certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if (text := pem_text(value)) is not None:
            context.load_verify_locations(cadata=text)
        else:
            context.load_verify_locations(cafile=value)
    except (OSError, ValueError, TypeError):  # ssl.SSLError is an OSError
        raise ValueError(
            "must be certificates as PEM text without quotes around it, "
            "or the path of a file with them"
        ) from None


def check_client_certificate(certificate: str, key: str) -> None:
    """Raises ValueError unless these are a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        with ExitStack() as open_files:
            context.load_cert_chain(
                open_files.enter_context(_path(certificate)),
                open_files.enter_context(_path(key)),
                password="",  # never ask for one at the terminal
            )
    except (OSError, ValueError, TypeError):
        raise ValueError(
            "KAFKA_CLIENT_CERT and KAFKA_CLIENT_CERT_KEY must be a certificate and its private key "
            "without a passphrase, as PEM texts without quotes around them, or the paths of files"
        ) from None


@contextmanager
def _path(value: str) -> Iterator[str]:
    """A path under which ``ssl`` reads the value; a key as text is never written to a disk."""
    if (text := pem_text(value)) is None:
        yield value
        return
    if len(data := text.encode()) > _LONGEST_TEXT:
        raise ValueError
    reader, writer = os.pipe()
    try:
        os.write(writer, data)
        os.close(writer)
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)
