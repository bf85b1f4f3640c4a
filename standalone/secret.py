"""The secret of the system that runs here: made once, and kept with its data.

It must outlast a restart: the cookies by which browsers are known are signed with it.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

NAME = "PRINCIPAL_SECRET"


def principal_secret(environment: Mapping[str, str], data: Path) -> dict[str, str]:
    """The variable for the services, unless ``environment`` has it."""
    if environment.get(NAME):
        return {}
    file = data / "principal-secret"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        # Only the owner of the file may ever read it, so it is created with its rights.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(32))
    return {NAME: file.read_text()}
