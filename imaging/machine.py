"""The processor, and how much of it and of the memory a process may use, also in a container or a job."""

import contextlib
import hashlib
import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path

from imaging.errors import ImagingError

THREAD = 64 << 20  # bytes of address space of a thread
_limit = threading.RLock()  # a network may have another one in it
GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
MEMORY, PROCESSOR = Path("/proc/meminfo"), Path("/proc/cpuinfo")


def processor() -> str:
    """The model of the processor, e.g. "AMD EPYC 9B14"; its kind, e.g. "x86_64", if nothing tells it."""
    for line in _read(PROCESSOR).splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def instructions() -> str:
    """A digest of the instructions that programs may use, which differ among processors of one name.

    oneDNN and MKL choose by them how they add, and so how they round; their variables limit the choice.
    """
    flags = [line for line in _read(PROCESSOR).splitlines() if line.startswith(("flags", "Features"))][:1]
    names = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
    text = "\n".join([*flags, *(f"{name}={os.environ.get(name, '')}" for name in names)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def available_cores() -> int:
    """The number of cores of this process, or fewer if its control group or Slurm allows less than that."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for group in _groups():
        # Version 2 of control groups has "quota period" in one file, version 1 has two files.
        quota, _, period = _read(group / "cpu.max").partition(" ")
        quota = quota or _read(group / "cpu.cfs_quota_us")
        period = period or _read(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():  # else "max" or -1
            cores = min(cores, int(quota) // int(period))
    if (allotted := os.environ.get("SLURM_CPUS_PER_TASK", "")).isdigit():  # some clusters do not enforce it
        cores = min(cores, int(allotted))
    return max(1, cores)


def available_memory() -> int:
    """The bytes of memory of this machine, or fewer if the control group of this process allows less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for group in _groups():
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (limit := _read(group / name)).isdigit():
                memory = min(memory, int(limit))
    return memory


def free_memory() -> int:
    """The bytes of memory that this process could take now: `available_memory`, less what others have."""
    free = available_memory()
    for line in _read(MEMORY).splitlines():
        if line.startswith("MemAvailable:"):
            free = min(free, 1024 * int(line.split()[1]))
    for group in _groups():
        for limit, used, kept in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            sizes = [_read(group / name) for name in (limit, used)]
            if all(size.isdigit() for size in sizes):
                stat = dict(line.split() for line in _read(group / "memory.stat").splitlines())
                free = min(free, int(sizes[0]) - int(sizes[1]) + int(stat.get(kept, 0)))
    return max(0, free)


def peak_memory() -> int:
    """The most bytes of memory that this process has taken at a time; 0 where the system does not tell."""
    for line in _read(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of macOS, in bytes


def lacks_memory(error: BaseException) -> bool:
    """Whether an allocation failed; torch raises a RuntimeError."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


@contextlib.contextmanager
def memory_limited(what: str) -> Iterator[None]:
    """Refuse to allocate more memory in the body than is free, where Linux would end the process later.

    Args:
        what: is built in the body, on the processor.

    Raises:
        ImagingError: it needs more.
    """
    try:
        import resource

        used = int(_read(Path("/proc/self/statm")).split()[0]) * resource.getpagesize()
    except (ImportError, IndexError):  # not Linux
        yield
        return
    _limit.acquire()  # the limit is that of all threads
    before, free = resource.getrlimit(resource.RLIMIT_AS), free_memory()
    used += THREAD * available_cores()  # the stacks of threads that are started in the body
    low = used + free if before[0] == resource.RLIM_INFINITY else min(before[0], used + free)
    resource.setrlimit(resource.RLIMIT_AS, (low, before[1]))
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise ImagingError(
            f"{what} needs more than the {free / 1e9:.1f} GB of memory that are free"
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        _limit.release()


def _groups() -> Iterator[Path]:
    """The directories of the control groups of this process, with those that they are in."""
    for line in _read(OWN).splitlines():
        _, controllers, path = line.split(":", 2)
        root = GROUPS / controllers
        own = root / path.lstrip("/")
        yield from (group for group in (own, *own.parents) if group.is_relative_to(root))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
