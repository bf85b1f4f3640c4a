"""Build the base image and the images."""

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
EDGE_IMAGE = "dither-edge:proof"


def base_image(engine: Engine, say: Callable[[str], None]) -> str:
    """PYTHON_IMAGE if set, the Dockerfile's own if available, else one made here."""
    if given := os.environ.get("PYTHON_IMAGE"):
        return given
    pip_config = _pip_config()
    made_here = f"dither-services-base:{SUITE}-{zlib.crc32(pip_config.encode()):08x}"
    if engine.succeeds("image", "inspect", made_here):
        return made_here
    wanted = _wanted_base()
    for command in (("image", "inspect"), ("pull", "--quiet")):
        if engine.succeeds(*command, wanted):
            return wanted
    say(f"{wanted} cannot be had: making a base from Debian {SUITE}")
    with base_files(pip_config) as root:
        tar = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        engine.run("import", "-", made_here, stdin=tar.stdout)
        if tar.wait() != 0:
            raise DockerError("the files of the base image could not be packed")
    return made_here


def build_images(engine: Engine, base: str) -> None:
    """The base of the services' image is a Debian, so the edge is built on it too."""
    for image, argument, directory in (
        (IMAGE, "PYTHON_IMAGE", PROJECT),
        (EDGE_IMAGE, "DEBIAN_IMAGE", PROJECT / "deploy" / "edge"),
    ):
        engine.run(
            *("build", "--network=host", f"--build-arg={argument}={base}", f"--tag={image}"),
            str(directory),
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
    options: dict[str, str] = {}
    for source in ("global", "user", "site", ":env:"):  # later sources take precedence
        options |= dict(re.findall(rf"^{source}\.([a-z-]+)='(.*)'$", listed, re.MULTILINE))
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in options.items()), ""])
