"""``python -m bench.engine``: our ditherer and others, side by side, on one core.

Every round runs every case once, ours and the peer's in turn, so that whatever else the machine
does falls on both; the table shows the medians.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.engine import limits
from bench.engine.cases import Case, Work, cases


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often (default 9)")
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--limits", action="store_true", help="two cores, memory, first call")
    arguments = parser.parse_args()
    if arguments.limits:
        limits.main()
        return
    _one_core()
    with tempfile.TemporaryDirectory() as folder:
        every = cases(shutil.which("convert"), Path(folder))
        found = [case for case in every if (arguments.only or "") in case.name]
        rows = _measure(found, arguments.rounds)
    print("| case | ours, ms | peer | peer, ms | ratio | to reach |\n|---|---:|---|---:|---:|---:|")
    for case, row in zip(found, rows, strict=True):
        print(
            f"| {row['name']} | {row['ours_ms']:.1f} | {row['peer']} | {row['peer_ms']:.1f}"
            f" | {row['ratio']:.1f} | {case.floor:g} |"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"cases": rows}, indent=1) + "\n")


def _one_core() -> None:
    """Keep this process and what it starts on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _measure(found: list[Case], rounds: int) -> list[dict[str, float | str]]:
    times: dict[str, tuple[list[float], list[float]]] = {case.name: ([], []) for case in found}
    for case in found:
        case.ours()
        case.theirs()
    for _ in range(rounds):
        for case in found:
            ours, theirs = times[case.name]
            ours.append(_milliseconds(case.ours))
            extra = _milliseconds(case.overhead) if case.overhead else 0.0
            theirs.append(_milliseconds(case.theirs) - extra)
    return [_row(case, *times[case.name]) for case in found]


def _row(case: Case, ours: list[float], theirs: list[float]) -> dict[str, float | str]:
    mine, other = median(ours), median(theirs)
    return {
        "name": case.name,
        "ours_ms": round(mine, 3),
        "peer": case.peer,
        "peer_ms": round(other, 3),
        "ratio": round(other / mine, 2),
    }


def _milliseconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
