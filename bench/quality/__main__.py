"""``python -m bench.quality [ALGORITHM…]``: print the tables of docs/engine-quality.md.

With names of algorithms, only their rows of the grey table; with ``--colour``, only the colour
table; with ``--panels``, only the table of docs/panels.md; with ``--sheets DIRECTORY``, its contact
sheets.
"""

import sys
from pathlib import Path

from bench.quality import colour, panels
from bench.quality.report import HEAD, line, rows
from dither_engine.algorithms import ALGORITHMS


def _print_table(module: object) -> None:
    print(module.HEAD)  # type: ignore[attr-defined]
    for text in module.lines():  # type: ignore[attr-defined]
        print(text, flush=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--sheets"]:
        panels.save_sheets(Path(arguments[1]))
        return
    if arguments == ["--panels"]:
        _print_table(panels)
        return
    names = [name for name in arguments if name != "--colour"]
    unknown = set(names) - set(ALGORITHMS)
    if unknown:
        sys.exit(f"There is no algorithm {', '.join(sorted(unknown))}.")
    if "--colour" not in arguments:
        print(HEAD)
        for row in rows(names or tuple(ALGORITHMS)):
            print(line(row), flush=True)
        print()
    if not names:
        _print_table(colour)


if __name__ == "__main__":
    main(sys.argv[1:])
