"""Process many files in parallel: output names, progress, and atomic writing."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dither_engine.errors import EngineError

STREAM = "-"
_BAR = 30


@dataclass(frozen=True)
class Job:
    """One input file and its output file; `STREAM` is standard input or output."""

    input: str
    output: str

    @property
    def name(self) -> str:
        """The input's name in messages."""
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
        """Write the output atomically; on failure EngineError, and nothing is written."""
        if self.output == STREAM:
            put_out(data)
            return
        try:
            _put(Path(self.output), data)
        except OSError as error:
            raise EngineError(f"{self.output} cannot be written: {error.strerror}.") from error


def put_out(data: bytes) -> None:
    """Write to standard output; BrokenPipeError if its reader has closed it, else EngineError."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Otherwise the rest of the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise EngineError(f"Standard output cannot be written: {error.strerror}.") from error


def _put(path: Path, data: bytes) -> None:
    """Replace a file atomically and keep its mode; write directly to pipes and devices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        there = path.stat()
    except FileNotFoundError:
        _replace(Path(os.path.realpath(path)), data, None)
        return
    if not stat.S_ISREG(there.st_mode):
        path.write_bytes(data)
        return
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    _replace(Path(os.path.realpath(path)), data, stat.S_IMODE(there.st_mode))


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    """``mode``: of the existing file; None for a new file, which gets its mode from the umask."""
    temporary = path.with_name(f".dither-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(temporary, flags, 0o666 if mode is None else 0o600), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def plan(inputs: Sequence[str], output: str, suffix: str) -> list[Job]:
    """The output file for each input.

    ``output`` is a directory if it exists as one, ends in a slash, or there are several inputs;
    then each file keeps its name, with this suffix. Raises EngineError if an input would
    be overwritten, or if two inputs would have the same output.
    """
    if len(inputs) > 1 and output == STREAM:
        raise EngineError("Several images need a directory to go to, not standard output.")
    if not is_directory(inputs, output):
        jobs = [Job(inputs[0], output)]
    elif (there := _found(output)) and not stat.S_ISDIR(there.st_mode):
        raise EngineError(f"{output} is no directory, which is what the images need to go to.")
    else:
        jobs = [Job(name, str(Path(output) / f"{_stem(name)}.{suffix}")) for name in inputs]
    read = {_identity(name): name for name in inputs if name != STREAM and _is_file(name)}
    made: dict[object, str] = {}
    for job in jobs:
        file = _identity(job.output)
        if file in made:
            raise EngineError(f"{made[file]} and {job.input} would both become {job.output}.")
        if job.output != STREAM and file in read:
            raise EngineError(f"{read[file]} would be overwritten: name another output.")
        made[file] = job.input
    return jobs


def existing(jobs: Sequence[Job]) -> list[str]:
    """The outputs that are regular files already; pipes and devices are written to as they are."""
    return [job.output for job in jobs if job.output != STREAM and _is_file(job.output)]


def _found(name: str) -> os.stat_result | None:
    """The file's status; None if nothing is there or it cannot be read."""
    try:
        return Path(name).stat()
    except OSError:
        return None


def _is_file(name: str) -> bool:
    there = _found(name)
    return there is not None and stat.S_ISREG(there.st_mode)


def _identity(name: str) -> object:
    """Equal for two names of the same file, even if it does not exist yet."""
    there = _found(name)
    return (there.st_dev, there.st_ino) if there else os.path.realpath(name)


def is_directory(inputs: Sequence[str], output: str) -> bool:
    """Whether ``output`` is a directory for files, not a file."""
    if output == STREAM:
        return False
    there = _found(output)
    is_there = there is not None and stat.S_ISDIR(there.st_mode)
    return len(inputs) > 1 or output.endswith("/") or is_there


def _stem(name: str) -> str:
    return "stdin" if name == STREAM else Path(name).stem


def run(jobs: Sequence[Job], make: Callable[[bytes], tuple[bytes, str]]) -> int:
    """Do all jobs; failures are reported on standard error. Returns 1 if any failed, else 0.

    ``make`` turns an input's bytes into an output's, on several threads at once, and a remark,
    which is written to standard error unless it is empty.
    """
    bar = _BAR if len(jobs) > 1 and sys.stderr.isatty() else 0
    failed = 0
    pool = ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1))
    running = {pool.submit(_do, job, make): job for job in jobs}
    _progress(0, len(jobs), bar)
    try:
        for number, future in enumerate(as_completed(running), 1):
            error = future.exception()
            if error is not None and not isinstance(error, EngineError):
                raise error
            failed += error is not None
            if remark := str(error) if error else future.result():
                clear = "\r\x1b[K" if bar else ""
                sys.stderr.write(f"{clear}{running[future].name}: {remark}\n")
            _progress(number, len(jobs), bar)
    finally:
        pool.shutdown(cancel_futures=True)
    return 1 if failed else 0


def _do(job: Job, make: Callable[[bytes], tuple[bytes, str]]) -> str:
    data, remark = make(job.read())
    job.write(data)
    return remark


def _progress(number: int, total: int, bar: int) -> None:
    """Draw a bar that is ``bar`` characters long; none when that is 0."""
    if bar:
        full = bar * number // total
        end = "\n" if number == total else ""
        sys.stderr.write(f"\r[{'#' * full}{'.' * (bar - full)}] {number}/{total}{end}")
        sys.stderr.flush()
