"""``python -m bench.quality [ALGORITHM…]``: print the tables of docs/engine-quality.md.

With names of algorithms, only their rows of the grey table; with ``--colour``, only the colour
table.
"""

import sys

from bench.quality import colour
from bench.quality.report import HEAD, line, rows
from dither_engine.algorithms import ALGORITHMS

if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--colour"]
    unknown = set(names) - set(ALGORITHMS)
    if unknown:
        sys.exit(f"There is no algorithm {', '.join(sorted(unknown))}.")
    if "--colour" not in sys.argv:
        print(HEAD)
        for row in rows(names or tuple(ALGORITHMS)):
            print(line(row), flush=True)
        print()
    if not names:
        print(colour.HEAD)
        for text in colour.lines():
            print(text, flush=True)
