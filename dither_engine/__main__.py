"""The command ``dither``, also ``python -m dither_engine``."""

import sys
from typing import NoReturn

from dither_engine.cli import main


def command() -> NoReturn:
    """Run with the arguments of this process, then exit with the status."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    command()
