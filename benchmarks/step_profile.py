"""Count the kernels and the waits of a training step, for `benchmarks/gpu.py`.

It is a callback: `imports=[benchmarks.step_profile] +callbacks.profile.name=step_profile` and
`+callbacks.profile.file=profile.json`.
"""

import json
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from imaging.training.callbacks import CALLBACKS
from imaging.training.strategies import EveryStep

FIRST, STEPS = 40, 20  # after the first steps, which choose algorithms, and between two that are logged
# Calls with which the host waits for the device.
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


@CALLBACKS.register("step_profile")
class StepProfile(EveryStep):
    """Write the numbers of kernels, copies and waits per step to a JSON file."""

    def __init__(self, file: str):
        self.file = Path(file)

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step == FIRST:
            activities = [ProfilerActivity.CPU]
            if task.device.type == "cuda":
                torch.cuda.synchronize()
                activities.append(ProfilerActivity.CUDA)
            self.profile = profile(activities=activities)
            self.profile.start()
        if trainer.global_step == FIRST + STEPS:
            self.profile.stop()
            events = list(self.profile.events())
            kernels = [e for e in events if e.device_type == torch.autograd.DeviceType.CUDA]
            copies = sum("Memcpy" in event.name or "Memset" in event.name for event in kernels)
            counts = {
                "operations": sum(event.name.startswith("aten::") for event in events),
                "kernels": len(kernels) - copies,
                "copies": copies,
                "waits": sum(event.name in WAITS for event in events),
            }
            self.file.write_text(json.dumps({name: count / STEPS for name, count in counts.items()}))
