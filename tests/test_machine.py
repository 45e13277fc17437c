"""Cores and memory that a container or a cluster allows, with files as Linux has them."""

import os
import sys
import threading

import pytest
import torch

from imaging import machine as cores
from imaging.errors import ImagingError


@pytest.fixture
def group(monkeypatch, tmp_path):
    """Write the files of this process's control group, on a machine of 16 cores and 64 GiB."""
    monkeypatch.setattr(cores, "GROUPS", tmp_path)
    monkeypatch.setattr(cores, "OWN", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1 << 24, "SC_PAGE_SIZE": 1 << 12}.get)

    def write(own: str, **files: str) -> None:
        (tmp_path / "own").write_text(own)
        for path, text in files.items():
            file = tmp_path / path.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return write


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {}, 16),
        ("0::/\n", {"cpu_dot_max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu_dot_max": "400000 100000\n"}, 4),
        ("0::/\n", {"cpu_dot_max": "150000 100000\n"}, 1),
        ("0::/\n", {"cpu_dot_max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"a__cpu_dot_max": "300000 100000\n", "a__b__cpu_dot_max": "max 100000\n"}, 3),
        (
            "4:cpu,cpuacct:/job\n2:memory:/job\n",
            {
                "cpu,cpuacct__job__cpu_dot_cfs_quota_us": "200000",
                "cpu,cpuacct__job__cpu_dot_cfs_period_us": "100000",
            },
            2,
        ),
        (
            "4:cpu,cpuacct:/\n",
            {
                "cpu,cpuacct__cpu_dot_cfs_quota_us": "-1",
                "cpu,cpuacct__cpu_dot_cfs_period_us": "100000",
            },
            16,
        ),
    ],
)
def test_cores(own, files, expected, group):
    group(own, **files)
    assert cores.available_cores() == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {}, 64 << 30),
        ("0::/\n", {"memory_dot_max": "max"}, 64 << 30),
        ("0::/a\n", {"a__memory_dot_max": str(3 << 30)}, 3 << 30),
        ("2:memory:/\n", {"memory__memory_dot_limit_in_bytes": str(5 << 30)}, 5 << 30),
        ("2:memory:/\n", {"memory__memory_dot_limit_in_bytes": "9223372036854771712"}, 64 << 30),
    ],
)
def test_memory(own, files, expected, group):
    group(own, **files)
    assert cores.available_memory() == expected


def test_slurms_cores_for_a_task_are_respected(group, monkeypatch):
    group("0::/\n")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert cores.available_cores() == 3


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 10 << 30),  # what the machine has
        ({"memory_dot_max": str(8 << 30), "memory_dot_current": str(7 << 30)}, 1 << 30),
        (
            {
                "memory_dot_max": str(8 << 30),
                "memory_dot_current": str(7 << 30),
                "memory_dot_stat": f"anon 5\ninactive_file {2 << 30}\n",
            },
            3 << 30,
        ),
    ],
)
def test_what_a_container_has_in_use_is_not_free(files, expected, group, monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 10485760 kB\n")
    monkeypatch.setattr(cores, "MEMORY", tmp_path / "meminfo")
    group("0::/\n", **files)
    assert cores.free_memory() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_more_memory_than_is_free_is_refused_also_in_threads(monkeypatch):
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    monkeypatch.setattr(cores, "free_memory", lambda: 100 << 20)
    failed = []

    def build() -> None:
        try:
            with cores.memory_limited("it"):
                torch.zeros(2 << 30)
        except ImagingError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == ["it needs more than the 0.1 GB of memory that are free"] * 4
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_the_limit_of_memory_may_be_nested():
    with cores.memory_limited("one"), cores.memory_limited("another in it"):
        assert torch.zeros(3).sum() == 0


def test_processors_of_one_name_differ_in_their_instructions(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "PROCESSOR", tmp_path / "cpuinfo")
    found = set()
    for flags in ("avx512f amx_tile", "avx512f"):
        (tmp_path / "cpuinfo").write_text(
            f"model name\t: A  Processor\nflags\t\t: {flags}\n\nmodel name\t: B\n"
        )
        assert cores.processor() == "A Processor"
        found.add(cores.instructions())
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    found.add(cores.instructions())
    assert len(found) == 3
    (tmp_path / "cpuinfo").unlink()
    assert cores.processor()
