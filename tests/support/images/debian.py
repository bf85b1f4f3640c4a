"""Taken from Debian: missing programs, and the files of a base image."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
_PACKAGES = ("python3", "python3-venv", "ca-certificates")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_POLICY = Path("/usr/sbin/policy-rc.d")


def install(program: str, package: str) -> None:
    """Install the Debian package if the program is missing, without starting its services."""
    if shutil.which(program):
        return
    with _no_services():
        for command in (
            ["update", "-qq"],
            ["install", "-qq", "--yes", "--no-install-recommends", package],
        ):
            subprocess.run(
                ["apt-get", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                check=True,
                stdout=subprocess.DEVNULL,
            )


@contextmanager
def base_files(pip_config: str) -> Iterator[Path]:
    """A directory with a small Debian with Python.

    It has this machine's certificates and the given pip configuration, so that an image is built
    from the same registries as everything else here.
    """
    install("debootstrap", "debootstrap")
    with tempfile.TemporaryDirectory(prefix="debian-") as name:
        root = Path(name)
        subprocess.run(
            [
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(_PACKAGES)}",
                SUITE,
                name,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        root.chmod(0o755)
        (root / "etc/pip.conf").write_text(pip_config)
        if _CERTIFICATES.is_file():
            shutil.copyfile(_CERTIFICATES, root / str(_CERTIFICATES).lstrip("/"))
        for cached in (root / "var/cache/apt/archives").glob("*.deb"):
            cached.unlink()
        yield root


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian's packages ask this script before they start a service."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
