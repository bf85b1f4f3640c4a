"""``python -m dither_service.engine``."""

import sys

from dither_service.engine.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
