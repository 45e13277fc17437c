"""Slots for the jobs of a queue: GPUs or shares of the CPU cores of this machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from imaging.errors import ImagingError

NO_GPU = "no GPU is visible here"
EXPECTED = "expected auto, a number of GPUs, a list of their ids, or cpu:N for N slots of CPU cores"


@dataclass(frozen=True)
class Slot:
    """The place for one job at a time.

    Args:
        name: for display: 'GPU 3' or 'CPU 0'.
        environment: environment variables that the job's process gets in addition.
    """

    name: str
    environment: dict


def find_slots(devices: str | int | Sequence) -> list[Slot]:
    """The slots for a setting of devices.

    Args:
        devices: 'auto' (all visible GPUs), a number of GPUs, a list of GPU ids, or 'cpu:N'.

    Raises:
        ImagingError: another value, or GPUs that are not visible.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if isinstance(devices, str) and devices.startswith("cpu:") and devices[4:].isdigit() and int(devices[4:]):
        count = int(devices[4:])
        return [Slot(f"CPU {i}", _environment("", cores // count)) for i in range(count)]
    visible = visible_gpus()
    if devices == "auto":
        gpus = visible
    elif isinstance(devices, int) and not isinstance(devices, bool) and devices > 0:
        gpus = visible[:devices]
        if len(gpus) < devices:
            raise ImagingError(f"hydra.launcher.devices is {devices}, but {_describe(visible)}")
    elif isinstance(devices, Sequence) and not isinstance(devices, str) and devices:
        gpus = [str(d) for d in devices]
        if len(set(gpus)) < len(gpus):
            raise ImagingError(f"hydra.launcher.devices is {list(devices)}; expected each GPU once")
        if not set(gpus) <= set(visible):
            raise ImagingError(f"hydra.launcher.devices is {list(devices)}, but {_describe(visible)}")
    else:
        raise ImagingError(f"hydra.launcher.devices is {devices!r}; {EXPECTED}")
    if not gpus:
        half = max(1, cores // 2)
        raise ImagingError(f"{NO_GPU}: for slots of CPU cores set hydra.launcher.devices=cpu:{half}")
    return [Slot(f"GPU {gpu}", _environment(gpu, cores // len(gpus))) for gpu in gpus]


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use, in the form of CUDA_VISIBLE_DEVICES."""
    import torch

    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return list(dict.fromkeys(g.strip() for g in listed.split(",") if g.strip() not in ("", "-1")))
    return [str(i) for i in range(torch.cuda.device_count())]


def _describe(visible: list[str]) -> str:
    return f"the visible GPUs are {', '.join(visible)}" if visible else NO_GPU


def _environment(gpus: str, threads: int) -> dict:
    # Threads of several jobs on one core only wait for each other.
    value = os.environ.get("OMP_NUM_THREADS", str(max(1, threads)))
    return {"CUDA_VISIBLE_DEVICES": gpus, "OMP_NUM_THREADS": value}
