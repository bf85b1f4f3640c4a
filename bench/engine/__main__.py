"""``python -m bench.engine``: our ditherer and others, side by side, on one core.

Every round runs every case once, ours and the peer's alternately, so that other load on the machine
affects both. The table shows the minimum CPU times, which are affected least. Each is the second of
two calls. Ours is measured again right after the allocator returned all free memory to the system
("trimmed"), which is the normal case for occasional use. Page faults are those of one call.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.engine import limits
from bench.engine.cases import Case, Work, cases
from bench.engine.system import cpu_seconds, page_faults, processor, take_back_memory


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
    print(processor())
    print("\n".join(_table(rows)))
    if arguments.json:
        figures = {"processor": processor(), "cases": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


@dataclass(frozen=True)
class Row:
    """One case: minimum milliseconds of ours, of ours after trimming the allocator's memory, and of
    the peer; median page faults of the first two; and the ratio to be reached."""

    name: str
    ours_ms: float
    trimmed_ms: float
    peer: str
    peer_ms: float
    faults: int
    trimmed_faults: int
    floor: float

    @property
    def ratio(self) -> float:
        return self.peer_ms / self.ours_ms

    @property
    def trimmed_ratio(self) -> float:
        return self.peer_ms / self.trimmed_ms


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| case | ours, ms | peer | peer, ms | ratio | to reach | faults | trimmed | faults |"
    yield "|---|---:|---|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        yield (
            f"| {row.name} | {row.ours_ms:.1f} | {row.peer} | {row.peer_ms:.1f} | {row.ratio:.1f}"
            f" | {row.floor:g} | {row.faults} | {row.trimmed_ratio:.1f} | {row.trimmed_faults} |"
        )


def _one_core() -> None:
    """Pin this process and its children to one core, if the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _measure(found: list[Case], rounds: int) -> list[Row]:
    ours: list[list[_Call]] = [[] for _ in found]
    trimmed: list[list[_Call]] = [[] for _ in found]
    theirs: list[list[float]] = [[] for _ in found]
    for _ in range(rounds):
        for number, case in enumerate(found):
            case.ours()
            ours[number].append(_call(case.ours))
            case.theirs()
            extra = _call(case.overhead).ms if case.overhead else 0.0
            theirs[number].append(_call(case.theirs).ms - extra)
            take_back_memory()
            trimmed[number].append(_call(case.ours))
    return [
        Row(
            case.name,
            min(call.ms for call in ours[number]),
            min(call.ms for call in trimmed[number]),
            case.peer,
            min(theirs[number]),
            round(median(call.faults for call in ours[number])),
            round(median(call.faults for call in trimmed[number])),
            case.floor,
        )
        for number, case in enumerate(found)
    ]


class _Call(NamedTuple):
    ms: float
    faults: int


def _call(work: Work) -> _Call:
    faults, start = page_faults(), cpu_seconds()
    result = work()
    call = _Call((cpu_seconds() - start) * 1000, page_faults() - faults)
    del result
    return call


if __name__ == "__main__":
    main()
