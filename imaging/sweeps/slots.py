"""Slots for the jobs of a queue: GPUs, parts of GPUs, or shares of the CPU cores of this machine."""

import itertools
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imaging.errors import ImagingError
from imaging.machine import available_cores, available_memory
from imaging.settings import Count, check

NO_GPU = "no GPU is visible here"
EXPECTED = "expected auto, gpus, a number of GPUs, a list of their ids, or cpu:N for N slots of CPU cores"
JOB_MEMORY = 2 << 30  # bytes that a job on a CPU may take
# Without one of these (NVIDIA, AMD, Windows' subsystem for Linux) there is no GPU, and torch is not imported.
DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


@dataclass(frozen=True)
class Slot:
    """The place for one job at a time.

    Args:
        name: for display: 'GPU 3', 'GPU 3.1' or 'CPU 0'.
        environment: environment variables that the job's process gets in addition.
    """

    name: str
    environment: dict

    @property
    def is_gpu(self) -> bool:
        return bool(self.environment.get("CUDA_VISIBLE_DEVICES"))


def find_slots(devices: str | int | Sequence, jobs_per_gpu: Count = 1) -> list[Slot]:
    """The slots for a setting of devices.

    Args:
        devices: 'gpus' (all visible GPUs), a number of GPUs, a list of GPU ids, or 'cpu:N'; 'auto' is all
            visible GPUs, and without one a slot for each CPU core for which there is memory.
        jobs_per_gpu: the number of slots of each GPU.

    Raises:
        ImagingError: another value, or GPUs that are not visible.
    """
    check("hydra.launcher.jobs_per_gpu", jobs_per_gpu, Count)
    cores = available_cores()
    if isinstance(devices, str) and devices.startswith("cpu:") and devices[4:].isdigit() and int(devices[4:]):
        return _cpu_slots(int(devices[4:]), cores)
    visible = visible_gpus()
    if devices == "auto" and not visible:
        return _cpu_slots(max(1, min(cores, available_memory() // JOB_MEMORY)), cores)
    if devices in ("auto", "gpus"):
        gpus = visible
    elif isinstance(devices, int) and not isinstance(devices, bool) and devices > 0:
        gpus = visible[:devices]
        if len(gpus) < devices:
            raise ImagingError(f"hydra.launcher.devices is {devices}, but {_describe(visible)}")
    elif isinstance(devices, Sequence) and not isinstance(devices, str) and devices:
        gpus = [str(d) for d in devices]
        if len(set(gpus)) < len(gpus):
            raise ImagingError(
                f"hydra.launcher.devices is {list(devices)}; expected each GPU once (for several jobs on "
                "each: hydra.launcher.jobs_per_gpu=2)"
            )
        if not set(gpus) <= set(visible):
            raise ImagingError(f"hydra.launcher.devices is {list(devices)}, but {_describe(visible)}")
    else:
        raise ImagingError(f"hydra.launcher.devices is {devices!r}; {EXPECTED}")
    if not gpus:
        raise ImagingError(f"{NO_GPU}: for slots of CPU cores set hydra.launcher.devices=cpu:{cores}")
    threads = cores // (len(gpus) * jobs_per_gpu)
    if jobs_per_gpu == 1:
        return [Slot(f"GPU {gpu}", _environment(gpu, threads)) for gpu in gpus]
    # The first job of each GPU before the second of any.
    return [
        Slot(f"GPU {gpu}.{place}", _environment(gpu, threads))
        for place in range(jobs_per_gpu)
        for gpu in gpus
    ]


def _cpu_slots(count: int, cores: int) -> list[Slot]:
    return [Slot(f"CPU {i}", _environment("", cores // count)) for i in range(count)]


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use, in the form of CUDA_VISIBLE_DEVICES.

    The parts of a GPU that is divided by NVIDIA's MIG count as GPUs.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        ids = (gpu.strip() for gpu in listed.split(","))
        # CUDA ignores what follows an invalid id.
        return list(dict.fromkeys(itertools.takewhile(lambda gpu: gpu and not gpu.startswith("-"), ids)))
    if not any(Path(driver).exists() for driver in DRIVERS):
        return []
    if parts := _mig_devices():
        return parts
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]


def _mig_devices() -> list[str]:
    """The ids of GPUs and of parts of GPUs, if a GPU is divided; else an empty list.

    Without CUDA_VISIBLE_DEVICES, CUDA shows only the first part of a divided GPU.
    """
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [re.search(r"^\s*(GPU|MIG) .*UUID: ([\w-]+)", line) for line in listed.stdout.splitlines()]
    found = [match.groups() for match in lines if match]
    after = [*(kind for kind, _ in found[1:]), None]
    # A GPU that is followed by its parts is divided.
    ids = [
        uuid
        for (kind, uuid), follower in zip(found, after, strict=True)
        if (kind, follower) != ("GPU", "MIG")
    ]
    return ids if any(kind == "MIG" for kind, _ in found) else []


def advice_on_sharing() -> str | None:
    """A line for the user if NVIDIA's Multi-Process Service is not running; None if it is.

    Without it, the kernels of several processes on one GPU take turns.
    """
    pipe = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))
    if (pipe / "control").exists():
        return None
    return (
        "the jobs of a GPU take turns, because NVIDIA's Multi-Process Service is not running; to run them at "
        "the same time: nvidia-cuda-mps-control -d"
    )


def _describe(visible: list[str]) -> str:
    return f"the visible GPUs are {', '.join(visible)}" if visible else NO_GPU


def _environment(gpus: str, threads: int) -> dict:
    # Threads of several jobs on one core only wait for each other.
    value = os.environ.get("OMP_NUM_THREADS", str(max(1, threads)))
    return {"CUDA_VISIBLE_DEVICES": gpus, "OMP_NUM_THREADS": value}
