"""The processor, CPU time and page faults; and trimming the allocator's memory."""

import ctypes
import platform
import resource
from pathlib import Path


def processor() -> str:
    """The processor's name, family and model, to identify the machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line]
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    if "model name" not in found:
        return platform.machine()
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']})"


def cpu_seconds() -> float:
    """CPU time of this process and its finished children: other load hardly changes it."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, both))


def page_faults() -> int:
    """The number of page faults of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def take_back_memory() -> None:
    """Make glibc's allocator return all free memory to the system; no effect elsewhere."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
