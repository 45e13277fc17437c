"""Cores and memory that a container or a cluster allows, with files as Linux has them."""

import os

import pytest

from imaging import machine as cores


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
