"""Many files, several at a time: which becomes which, progress, and files that appear whole."""

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dither_service.engine.errors import EngineError
from dither_service.engine.options import Options

STREAM = "-"
_BAR = 30


@dataclass(frozen=True)
class Job:
    """One file to be made from another; `STREAM` for standard input or output."""

    input: str
    output: str

    def read(self) -> bytes:
        """The input's bytes; EngineError when it cannot be read."""
        if self.input == STREAM:
            return sys.stdin.buffer.read()
        try:
            return Path(self.input).read_bytes()
        except OSError as error:
            raise EngineError(f"{self.input} cannot be read: {error.strerror}.") from error

    def write(self, data: bytes) -> None:
        """Put the output there as a whole; EngineError, and nothing written, when that fails."""
        if self.output == STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        try:
            _replace(Path(self.output), data)
        except OSError as error:
            raise EngineError(f"{self.output} cannot be written: {error.strerror}.") from error


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def plan(inputs: Sequence[str], output: str, form: str) -> list[Job]:
    """Which file each input becomes. Raises EngineError when two would become the same.

    ``output`` is a directory when it is one, ends in a slash, or there are several inputs; then
    each file keeps its name, with the ending of the format.
    """
    if output == STREAM or not (len(inputs) > 1 or output.endswith("/") or Path(output).is_dir()):
        if len(inputs) > 1:
            raise EngineError("Several images need a directory to go to, not standard output.")
        return [Job(inputs[0], output)]
    jobs = [Job(name, str(Path(output) / f"{_stem(name)}.{form}")) for name in inputs]
    seen: dict[str, str] = {}
    for job in jobs:
        if job.output in seen:
            raise EngineError(f"{seen[job.output]} and {job.input} would both become {job.output}.")
        seen[job.output] = job.input
    return jobs


def _stem(name: str) -> str:
    return "stdin" if name == STREAM else Path(name).stem


def run(jobs: Sequence[Job], options: Options, *, max_pixels: int, max_frames: int) -> int:
    """Do all jobs; what fails is told on standard error. Returns 1 if any failed, else 0."""
    from dither_service.engine.pipeline import dither_bytes  # noqa: PLC0415 - loads the compiler

    def make(job: Job) -> None:
        done = dither_bytes(job.read(), options, max_pixels=max_pixels, max_frames=max_frames)
        job.write(done.data)

    bar = len(jobs) > 1 and sys.stderr.isatty()
    failed = 0
    with ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as pool:
        running = {pool.submit(make, job): job for job in jobs}
        for number, future in enumerate(as_completed(running), 1):
            error = future.exception()
            if isinstance(error, EngineError):
                failed += 1
                sys.stderr.write(f"{chr(13) if bar else ''}{running[future].input}: {error}\n")
            elif error is not None:
                raise error
            if bar:
                _progress(number, len(jobs))
    if bar:
        sys.stderr.write("\n")
    return 1 if failed else 0


def _progress(number: int, total: int) -> None:
    full = _BAR * number // total
    sys.stderr.write(f"\r[{'#' * full}{'.' * (_BAR - full)}] {number}/{total}")
    sys.stderr.flush()
