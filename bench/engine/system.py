"""What the system says: its processor, page faults, and how to take back an allocator's memory."""

import ctypes
import platform
import resource
from pathlib import Path


def processor() -> str:
    """The processor as it names itself, and its family and model, which tell machines apart."""
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


def page_faults() -> int:
    """How often this process touched memory that the system had yet to give it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def take_back_memory() -> None:
    """Let the allocator give all free memory back to the system, where it is glibc's."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
