"""A certificate of our own for 127.0.0.1, made by the openssl command."""

import ssl
import subprocess
from pathlib import Path


def make_certificate(directory: Path) -> Path:
    """Writes key and certificate into one PEM file, which clients may trust as a CA; its path."""
    pem = directory / "mail.test.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "30", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(pem), "-out", str(pem.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    with pem.open("ab") as file:
        file.write(pem.with_suffix(".crt").read_bytes())
    return pem


def server_context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
