"""Where the jobs of a queue can run: GPUs of this machine, or shares of its CPU cores."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from imaging.errors import ImagingError

EXPECTED = "expected auto, a number of GPUs, a list of their ids, or cpu:N for N slots of CPU cores"


@dataclass(frozen=True)
class Slot:
    """One job's place.

    Args:
        name: for a person: 'GPU 3' or 'CPU 0'.
        environment: what a job's process gets beside the environment of this one.
    """

    name: str
    environment: dict


def find_slots(devices: str | int | Sequence) -> list[Slot]:
    """The slots that a setting asks for.

    Args:
        devices: 'auto' (all visible GPUs), a number of GPUs, a list of GPU ids, or 'cpu:N'.

    Raises:
        ImagingError: not one of these, or GPUs that are not there.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if isinstance(devices, str) and devices.startswith("cpu:") and devices[4:].isdigit() and int(devices[4:]):
        count = int(devices[4:])
        return [Slot(f"CPU {i}", _environment("", cores // count)) for i in range(count)]
    visible = visible_gpus()
    if devices == "auto":
        wanted = visible
    elif isinstance(devices, int) and not isinstance(devices, bool) and devices > 0:
        wanted = visible[:devices]
        if len(wanted) < devices:
            raise ImagingError(f"hydra.launcher.devices is {devices}, but {_seen(visible)}")
    elif isinstance(devices, Sequence) and not isinstance(devices, str) and devices:
        wanted = [str(d) for d in devices]
        if len(set(wanted)) < len(wanted):
            raise ImagingError(f"hydra.launcher.devices is {list(devices)}: a GPU is in it twice")
        if not set(wanted) <= set(visible):
            raise ImagingError(f"hydra.launcher.devices is {list(devices)}, but {_seen(visible)}")
    else:
        raise ImagingError(f"hydra.launcher.devices is {devices!r}; {EXPECTED}")
    if not wanted:
        raise ImagingError(
            f"{_seen(visible)}: for slots of CPU cores set hydra.launcher.devices=cpu:{max(1, cores // 2)}"
        )
    return [Slot(f"GPU {gpu}", _environment(gpu, cores // len(wanted))) for gpu in wanted]


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    import torch

    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return list(dict.fromkeys(g.strip() for g in listed.split(",") if g.strip() not in ("", "-1")))
    return [str(i) for i in range(torch.cuda.device_count())]


def _seen(visible: list[str]) -> str:
    return f"the visible GPUs are {', '.join(visible)}" if visible else "no GPU is visible here"


def _environment(gpus: str, threads: int) -> dict:
    # Threads of several jobs on one core only wait for one another.
    told = os.environ.get("OMP_NUM_THREADS", str(max(1, threads)))
    return {"CUDA_VISIBLE_DEVICES": gpus, "OMP_NUM_THREADS": told}
