"""Base image and image."""

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.support.images.debian import SUITE, base_files
from tests.support.images.engine import DockerError, Engine

PROJECT = Path(__file__).parents[3]
IMAGE = "dither-services:proof"


def base_image(engine: Engine, say: Callable[[str], None]) -> str:
    """PYTHON_IMAGE if set, the Dockerfile's own if it can be had, else one made here."""
    if given := os.environ.get("PYTHON_IMAGE"):
        return given
    if engine.succeeds("image", "inspect", _LOCAL_BASE):
        return _LOCAL_BASE
    for command in (("image", "inspect"), ("pull", "--quiet")):
        if engine.succeeds(*command, _own_base()):
            return _own_base()
    sys.stdout.write(f"  {_own_base()} cannot be had: making a base from Debian {SUITE}\n")
    with base_files(_pip_config()) as root:
        tar = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        engine.run("import", "-", _LOCAL_BASE, stdin=tar.stdout)
        if tar.wait() != 0:
            raise RuntimeError("the files of the base image could not be packed")
    return _LOCAL_BASE


def build_image(engine: Engine, base: str) -> None:
    engine.run(
        *("build", "--network=host", f"--build-arg=PYTHON_IMAGE={base}", f"--tag={IMAGE}"),
        str(PROJECT),
        shown=True,
    )


def _wanted_base() -> str:
    match = re.search(r"^ARG PYTHON_IMAGE=(.+)$", (PROJECT / "Dockerfile").read_text(), re.M)
    assert match is not None
    return match[1]


def _pip_config() -> str:
    """How pip reaches its registry on this machine, from its files and variables, as one file."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    pairs = re.findall(r"^(?::env:|global)\.([a-z-]+)='(.*)'$", listed, re.M)
    # A variable may say again what a file says.
    return "\n".join(
        ["[global]", *(f"{name} = {value}" for name, value in dict(pairs).items()), ""]
    )
