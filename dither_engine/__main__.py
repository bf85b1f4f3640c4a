"""``python -m dither_engine``."""

import sys

from dither_engine.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
