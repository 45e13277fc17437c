"""Kill a small run with -9 at random moments, resume it, and compare its end with an uninterrupted one's.

    python benchmarks/kills.py 25
    python benchmarks/kills.py 4 --accelerator cuda trainer.deterministic=true

Each trial is one run in a process of its own, killed at a random moment between the start of its training
and its end (training, validation, the test), every third one in the next write of a checkpoint after that
moment; then resumed. Weights, averaged weights, optimiser, schedule, curves and test table must be
bit-identical to those of the run that nobody killed, and no file of the directory unreadable in between.
Prints one line a trial; exit status 1 if any differs.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from PIL import Image

from imaging.evaluation.records import read_per_image
from imaging.reporting.curves import read_curves
from imaging.runs.checkpoints import read_checkpoint

TRAIN = Path(__file__).parents[1] / "train.py"
# Many checkpoints, so that a good share of the kills falls into one; an epoch of 36 steps; a bigger network
# than the small data need, so that its checkpoint takes a while to write.
SETTINGS = [
    "data=folder",
    "data.patch_size=16",
    "data.validation_images=1",
    "data.batch_size=4",
    "data.workers=2",
    "model.hidden_channels=48",
    "schedule=cosine",
    "trainer.max_steps=100",
    "trainer.log_every_n_steps=1",
    "trainer.val_check_interval=15",
    "trainer.checkpoint_every_n_steps=2",
    "trainer.weight_averaging=0.99",
]


def photographs(root: Path) -> list[str]:
    """Five small images to train on and twelve to test on, of smooth noise."""
    random_numbers = np.random.default_rng(0)
    for split, count in (("train", 5), ("test", 12)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            coarse = random_numbers.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC).save(
                root / split / f"{index}.png"
            )
    return [f"data.source.{split}={root / split}" for split in ("train", "test")]


def start(run: Path, settings: list[str]) -> subprocess.Popen:
    command = [sys.executable, str(TRAIN), *settings, f"hydra.run.dir='{run}'"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(run: Path, settings: list[str]) -> float:
    """Run to the end; seconds from the beginning of the training to the end of the test."""
    child = start(run, settings)
    began = wait_until(run, child, lambda status: status["device"])
    ended = wait_until(run, child, lambda status: status["state"] == "completed")
    _, complained = child.communicate()
    if child.returncode:
        raise SystemExit(f"{run} exits with {child.returncode}: {complained[-800:]}")
    return ended - began


def wait_until(run: Path, child: subprocess.Popen, condition) -> float:
    """The moment when the status fulfils the condition, or the process has ended."""
    path = run / "status.json"
    while child.poll() is None and not (path.is_file() and condition(json.loads(path.read_text()))):
        time.sleep(0.005)
    return time.monotonic()


def unfinished(run: Path) -> list[str]:
    """Names of checkpoints that are being written."""
    directory = run / "checkpoints"
    return [name for name in os.listdir(directory) if name.startswith(".last")] if directory.is_dir() else []


def unreadable(run: Path) -> list[str]:
    """What a kill has left behind that cannot be read."""
    found = []
    for name in ("config.yaml", "status.json"):
        if not (run / name).read_text().strip():
            found.append(name)
    for path in (run / "checkpoints").glob("*.ckpt"):
        try:
            read_checkpoint(path)
        except Exception as error:
            found.append(f"{path.name}: {error}")
    return found


def end(run: Path) -> dict:
    """All that must be the same."""
    checkpoint = read_checkpoint(run / "checkpoints" / "last.ckpt")
    keys = ("global_step", "state_dict", "training_weights", "optimizer_states", "lr_schedulers")
    curves = read_curves(run, ["train/loss", "train/psnr", "train/lr", "val/psnr"])
    # Times differ, and so do the names; the checksum of a line is of both.
    table = [replace(record, run="", seconds=0.0) for record in read_per_image(run / "per_image.csv")]
    return {key: checkpoint[key] for key in keys} | {"curves": curves, "table": table}


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=25, help="how many runs are killed and resumed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--precision", default="bf16", choices=["bf16", "float32"])
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "cuda"])
    arguments, words = parser.parse_known_args()
    moments = random.Random(arguments.seed)
    good = damaged = 0
    with TemporaryDirectory() as directory:
        root = Path(directory)
        device = [f"trainer.accelerator={arguments.accelerator}", f"trainer.precision={arguments.precision}"]
        settings = [*SETTINGS, *photographs(root / "data"), *device, *words]
        seconds = finish(root / "whole", settings)
        expected = end(root / "whole")
        print(f"uninterrupted: 100 steps and the test, {seconds:.1f} s", flush=True)
        for trial in range(arguments.count):
            run = root / f"killed-{trial}"
            child = start(run, settings)
            began = wait_until(run, child, lambda status: status["device"])
            in_a_write = trial % 3 == 0
            # Checkpoints are written in the training, which is the first half of the time.
            moment = moments.uniform(0, seconds / 3 if in_a_write else seconds)
            time.sleep(max(0.0, began + moment - time.monotonic()))
            while in_a_write and not unfinished(run) and child.poll() is None:
                pass
            child.send_signal(signal.SIGKILL)
            child.communicate()
            status = json.loads((run / "status.json").read_text())
            stage = "test" if status["step"] == 100 else "training"
            if status["state"] == "completed":
                stage = "after the end"
            told = ", a checkpoint's write" if unfinished(run) else ""
            broken = unreadable(run)
            damaged += bool(broken)
            if stage != "after the end":
                finish(run, settings)
            identical = same(expected, end(run))
            good += identical
            told += "; identical" if identical else "; DIFFERENT"
            told += f"; unreadable: {'; '.join(broken)}" if broken else ""
            print(f"{trial + 1:3}: killed after {moment:5.1f} s, {stage}{told}", flush=True)
    print(f"{arguments.count} kills, {good} identical ends, {damaged} unreadable directories")
    return 0 if good == arguments.count and not damaged else 1


if __name__ == "__main__":
    sys.exit(main())
