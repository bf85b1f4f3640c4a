"""``python -m bench.quality [ALGORITHM…]``: print the table of docs/engine-quality.md."""

import sys

from bench.quality.report import HEAD, line, rows
from dither_engine.algorithms import ALGORITHMS

if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(ALGORITHMS)
    if unknown:
        sys.exit(f"There is no algorithm {', '.join(sorted(unknown))}.")
    print(HEAD)
    for row in rows(sys.argv[1:] or tuple(ALGORITHMS)):
        print(line(row), flush=True)
