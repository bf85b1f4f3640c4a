"""``python -m dither_service.engine``."""

import sys

from dither_service.engine.options import Options
from dither_service.engine.pipeline import dither_bytes

if __name__ == "__main__":
    if sys.argv[1:] == ["--warm"]:
        from dither_service.engine.methods import load_all

        load_all()
    else:
        sys.stdout.buffer.write(dither_bytes(sys.stdin.buffer.read(), Options()).data)
