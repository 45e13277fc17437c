"""A test of a network on photographs against its forward passes alone.

    python benchmarks/evaluation.py

DnCNN of 32 and of 64 channels on 321×481 RGB images, four sigmas: noise, PSNR, SSIM, records and examples, as
`evaluate.py` has them for each run, without what it does once at the end.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from ruler import finish, row

from imaging.commands.process.memory import keep_freed_memory
from imaging.data import build_data
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.run import evaluate_run
from imaging.tasks import build_task
from imaging.training.trainer import prepare_network

IMAGES, ROUNDS = 2, 8


def main() -> None:
    keep_freed_memory()
    rows = []
    photograph = build_data({"source": {"name": "bundled"}}).test_images()[1][1]
    images = [(str(i), photograph[:, 5 * i :, 5 * i :][:, :321, :481].contiguous()) for i in range(IMAGES)]
    for channels in (32, 64):
        config = {
            "task": {"name": "denoiser"},
            "loss": {"name": "mse"},
            "model": {"name": "dncnn", "hidden_channels": channels, "bias": True},
            "physics": {"operator": {"name": "identity"}, "noise": {"sigma": 0.1}},
            "optimizer": {"name": "adam"},
            "schedule": {"name": "constant"},
            "seed": 0,
            "test": {"examples": 3, "examples_sigma": 0.1},
        }
        task = build_task(config).eval()
        prepare_network(task.network, channels_last=True)
        protocol = Protocol("bundled", (0.01, 0.05, 0.1, 0.2))
        whole, found = [], []
        for number in range(1 + ROUNDS):
            began = time.perf_counter()
            with TemporaryDirectory() as directory:
                evaluate_run(task, images, protocol, config, "a", Path(directory) / "per_image.csv")
            whole.append(time.perf_counter() - began)
            if number == 0:
                whole.clear()  # the first time takes longer
                continue
            began = time.perf_counter()
            with torch.inference_mode():
                for _, image in images:
                    y = image[None].float() / 255
                    for _ in protocol.levels:
                        task.network(y)
            found.append(whole[-1] / (time.perf_counter() - began))
        note = f"{1e3 * min(whole) / IMAGES / 4:.0f} ms an image and sigma"
        rows.append(row(f"evaluation / forward passes alone, DnCNN of {channels} channels", found, 1.1, note))
    finish(rows)


if __name__ == "__main__":
    main()
