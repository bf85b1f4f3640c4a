"""Many files, several at a time: which becomes which, progress, and files that appear whole."""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dither_service.engine.errors import EngineError

STREAM = "-"
_BAR = 30


@dataclass(frozen=True)
class Job:
    """One file to be made from another; `STREAM` for standard input or output."""

    input: str
    output: str

    @property
    def name(self) -> str:
        """What the input is called in messages."""
        return "standard input" if self.input == STREAM else self.input

    def read(self) -> bytes:
        """The input's bytes; EngineError when it cannot be read."""
        if self.input == STREAM:
            return sys.stdin.buffer.read()
        try:
            return Path(self.input).read_bytes()
        except OSError as error:
            raise EngineError(f"It cannot be read: {error.strerror}.") from error

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
    if len(inputs) > 1 and output == STREAM:
        raise EngineError("Several images need a directory to go to, not standard output.")
    if not is_directory(inputs, output):
        return [Job(inputs[0], output)]
    jobs = [Job(name, str(Path(output) / f"{_stem(name)}.{form}")) for name in inputs]
    seen: dict[str, str] = {}
    for job in jobs:
        if job.output in seen:
            raise EngineError(f"{seen[job.output]} and {job.input} would both become {job.output}.")
        seen[job.output] = job.input
    return jobs


def is_directory(inputs: Sequence[str], output: str) -> bool:
    """Whether ``output`` is where files go, not a file."""
    several = len(inputs) > 1 or output.endswith("/")
    return output != STREAM and (several or Path(output).is_dir())


def _stem(name: str) -> str:
    return "stdin" if name == STREAM else Path(name).stem


def run(jobs: Sequence[Job], make: Callable[[bytes], bytes]) -> int:
    """Do all jobs; what fails is told on standard error. Returns 1 if any failed, else 0.

    ``make`` turns an input's bytes into an output's, on several threads at once.
    """
    bar = _BAR if len(jobs) > 1 and sys.stderr.isatty() else 0
    failed = 0
    pool = ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1))
    running = {pool.submit(_do, job, make): job for job in jobs}
    _progress(0, len(jobs), bar)
    try:
        for number, future in enumerate(as_completed(running), 1):
            error = future.exception()
            if isinstance(error, EngineError):
                failed += 1
                clear = "\r\x1b[K" if bar else ""
                sys.stderr.write(f"{clear}{running[future].name}: {error}\n")
            elif error is not None:
                raise error
            _progress(number, len(jobs), bar)
    finally:
        pool.shutdown(cancel_futures=True)
    return 1 if failed else 0


def _do(job: Job, make: Callable[[bytes], bytes]) -> None:
    job.write(make(job.read()))


def _progress(number: int, total: int, bar: int) -> None:
    """Draw a bar that is ``bar`` characters long; none when that is 0."""
    if bar:
        full = bar * number // total
        end = "\n" if number == total else ""
        sys.stderr.write(f"\r[{'#' * full}{'.' * (bar - full)}] {number}/{total}{end}")
        sys.stderr.flush()
