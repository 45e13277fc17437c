"""How many CPU cores and how much memory a process may use, also in a container or a cluster's job."""

import os
from collections.abc import Iterator
from pathlib import Path

GROUPS, OWN, MEMORY = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"), Path("/proc/meminfo")


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
    for line in _read(MEMORY).splitlines():
        if line.startswith("MemAvailable:"):
            return min(available_memory(), 1024 * int(line.split()[1]))
    return available_memory()  # not Linux


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
