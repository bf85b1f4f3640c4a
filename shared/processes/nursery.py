"""``python -m shared.processes.nursery FD MODULE``: load a module, then fork workers that use it.

The module has ``warm()``, which loads what most jobs need, and ``handle(call, arguments, data)``,
which does one job: a name, a dict that JSON can express, and bytes in; an answer of the same kind
and bytes out. The service's end of the socket FD is `pool.Nursery`. This process has one thread
only, so that forking is safe.
"""

import ctypes
import gc
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from importlib import import_module
from types import ModuleType

from shared.processes.channel import Closed, limit, receive, send

FORK, END = 1, 2
COMMAND = struct.Struct("!Bi")  # FORK and a niceness, or END and a process
REPLY = struct.Struct("!i")  # a process, or how one ended (as `subprocess.Popen.returncode` has it)
READY = b"R"

CALL, ARGUMENTS, SECONDS, MEMORY = "call", "arguments", "seconds", "memory"
ANSWER, FAILURE, NO_MEMORY = "answer", "failure", "no_memory"

IDLE_SECONDS = 120.0  # a worker that has nothing to do for so long ends, and frees its memory
LARGEST_DATA = 1 << 30
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SWOLLEN = 96 << 20  # bytes of its own after a job, above which a worker ends
_PR_SET_PDEATHSIG = 1
_LIMITED = sys.platform == "linux"  # elsewhere the limit of data means something else


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then ends us
    module = import_module(sys.argv[2])
    module.warm()
    gc.collect()
    gc.freeze()  # else the workers' garbage collector would write to pages that all share
    control.sendall(READY)
    while True:
        data, fds, _, _ = socket.recv_fds(control, COMMAND.size, 1)
        if len(data) < COMMAND.size:
            return
        kind, number = COMMAND.unpack(data)
        if kind == FORK:
            channel = socket.socket(fileno=fds[0])
            pid = os.fork()
            if pid == 0:
                control.close()
                _work(channel, module, nice=number)
            channel.close()
            control.sendall(REPLY.pack(pid))
        else:
            control.sendall(REPLY.pack(_ended(number)))


def _ended(pid: int) -> int:
    """Kill a worker, unless it is dead already; returns how it ended."""
    try:
        os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except (ProcessLookupError, ChildProcessError):
        return 0


def _work(channel: socket.socket, module: ModuleType, *, nice: int) -> None:
    status = 1
    try:
        _end_with_the_nursery()
        os.nice(nice)
        _go_first()
        _serve(channel, module)
        status = 0
    except Closed:
        status = 0
    except BaseException:  # noqa: BLE001 - this is the end of the process
        traceback.print_exc()
    finally:
        os._exit(status)  # nothing of the nursery's may be flushed or closed a second time


def _end_with_the_nursery() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _go_first() -> None:
    """If the system runs out of memory, it is to end a worker and not the service."""
    if sys.platform == "linux":
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - no pathlib in a fork
            file.write("1000")


def _data_size() -> int:
    """Bytes of the memory that ``RLIMIT_DATA`` counts: private and writable."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * _PAGE


def _serve(channel: socket.socket, module: ModuleType) -> None:
    """One job after another, until the service closes the channel or this worker is too large."""
    begun, data_size = _own_memory(), _data_size() if _LIMITED else 0
    limit(channel, IDLE_SECONDS)
    while True:
        try:
            job, data = receive(channel, most=LARGEST_DATA)
        except TimeoutError:
            return
        if _LIMITED:
            allowed = data_size + int(job[MEMORY])
            resource.setrlimit(resource.RLIMIT_DATA, (allowed, resource.RLIM_INFINITY))
        # CPU time, also that of native code; when it is over, the process ends.
        signal.setitimer(signal.ITIMER_PROF, float(job[SECONDS]))
        header, result = _answer(module, job[CALL], job[ARGUMENTS], data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(channel, header, result)
        del job, data, header, result
        if _own_memory() - begun > _SWOLLEN:
            return


def _answer(
    module: ModuleType, call: str, arguments: object, data: bytes
) -> tuple[dict[str, object], bytes]:
    try:
        answer, result = module.handle(call, arguments, data)
    except MemoryError:
        return {NO_MEMORY: True}, b""
    except Exception:  # noqa: BLE001 - the service logs it
        return {FAILURE: traceback.format_exc(limit=-12)}, b""
    return {ANSWER: answer}, result


def _own_memory() -> int:
    """Bytes of this process alone, without what it shares with the nursery."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm") as file:  # noqa: PTH123
        resident, shared = file.read().split()[1:3]
    return (int(resident) - int(shared)) * _PAGE


if __name__ == "__main__":
    main()
