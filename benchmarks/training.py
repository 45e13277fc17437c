"""A training step of the denoising protocol: ours against a student's loop and an expert's.

    python benchmarks/training.py [--channels 64 32] [--steps 250] [--rounds 3]

plain: float32, NCHW, a DataLoader over a tensor of floats, Adam, `loss.item()` each step.
careful: bfloat16 autocast where the processor has it, channels_last, batches by one index operation from
uint8, fused Adam, no synchronisation; without a framework.
ours: what `train.py` does, with its default logging, validation and checkpoints.

Each in a process of its own, in turns. Seconds are of the steps after the first 50. With --steps 1876, the
whole protocol, the PSNR of the three can be compared; after fewer they are in the middle of their training.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ruler import finish, in_a_process, largest_product, ratios, row

WARM = 50
BATCH, SIDE, SIGMA = 32, 32, 0.1
BARS = {64: {"careful": 0.92, "plain": 0.46}, 32: {"careful": 0.85, "plain": 0.46}}


def overrides(channels: int, steps: int, seed: int) -> list[str]:
    root = os.environ.get("IMAGING_DATA")
    there = root is not None and (Path(root) / "BSDS300").is_dir()
    return [
        "experiment=denoising",
        f"data={'bsds300' if there else 'bundled'}",
        f"model.hidden_channels={channels}",
        "model.bias=false",
        f"trainer.max_steps={steps}",
        "trainer.max_epochs=-1",
        f"seed={seed}",
    ]


def settings(channels: int, steps: int, seed: int) -> dict:
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from imaging.runs.names import register_resolvers

    register_resolvers()
    conf = str(Path(__file__).parents[1] / "conf")
    with initialize_config_dir(conf, version_base="1.3"):
        return OmegaConf.to_container(compose("train", overrides(channels, steps, seed)), resolve=True)


def ours(config: dict, data, task, steps: int, callbacks: Sequence = ()) -> float:
    """Seconds from the end of step WARM to the end of the last, through `imaging.runs.trainer.fit`."""
    import pytorch_lightning as pl

    from imaging.runs.memory import keep_freed_memory
    from imaging.runs.run import Run
    from imaging.runs.trainer import build_trainer, fit

    class Clock(pl.Callback):
        def on_train_start(self, trainer, task):
            task.after_step.append(lambda: self.look(trainer.global_step))

        def look(self, step):
            if step == WARM:
                self.began = time.perf_counter()

        def on_train_end(self, trainer, task):
            self.seconds = time.perf_counter() - self.began

    keep_freed_memory()  # as the command does
    with tempfile.TemporaryDirectory() as directory:
        run = Run(directory, config)
        trainer, start = build_trainer(config["trainer"], run)
        trainer.callbacks += [clock := Clock(), *callbacks]
        fit(trainer, task, data, run, start)
    return clock.seconds


def timed(step: Callable[[], object], steps: int) -> float:
    """Seconds from the end of step WARM to the end of the last."""
    for _ in range(WARM):
        step()
    began = time.perf_counter()
    for _ in range(steps - WARM):
        step()
    return time.perf_counter() - began


def shuffled(count: int, batch: int):
    """Batches of indices, epoch after epoch."""
    import torch

    while True:
        yield from torch.randperm(count).split(batch)


def plain(network, patches, steps: int) -> float:
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(patches.float() / 255, batch_size=BATCH, shuffle=True)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> float:
        x = next(batches)
        y = x + SIGMA * torch.randn_like(x)
        loss = torch.nn.functional.mse_loss(network(y), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return timed(step, steps)


def careful(network, patches, steps: int) -> float:
    import torch

    bf16 = torch.cpu._is_avx512_bf16_supported()
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    indices = shuffled(len(patches), BATCH)

    def step() -> None:
        x = patches[next(indices)].contiguous(memory_format=torch.channels_last).float() / 255
        y = x + SIGMA * torch.randn_like(x)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            x_hat = network(y)
        loss = torch.nn.functional.mse_loss(x_hat.float(), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return timed(step, steps)


def worker(which: str, channels: int, steps: int, seed: int) -> None:
    import torch

    from imaging.data import build_data
    from imaging.evaluation.evaluate import Protocol, evaluate
    from imaging.tasks import build_task

    torch.manual_seed(seed)
    config = settings(channels, steps, seed)
    data, task = build_data(config["data"]), build_task(config)
    data.setup("fit")
    if which == "ours":
        taken = ours(config, data, task, steps)
    else:
        taken = {"plain": plain, "careful": careful}[which](task.network, data._train.images, steps)
    protocol = Protocol(config["data"]["source"]["name"], (SIGMA,))
    images = [data.test_images()[i] for i in range(min(8, len(data.test_images())))]
    psnr = statistics.fmean(r.psnr for r in evaluate(task, images, protocol, which, which))
    print(json.dumps({"seconds": taken / (steps - WARM), "psnr": psnr}))


def flops(channels: int) -> float:
    """Of a step: multiplications and additions of the convolutions, forward and backward."""
    inner = BATCH * SIDE**2 * 2 * 9 * channels
    return 3 * inner * 3 * channels + 3 * inner * 3 + 2 * inner * 3  # no gradient of the first one's input


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 32])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments.worker[0], arguments.channels[0], arguments.steps, int(arguments.worker[1]))
    import torch

    bf16 = torch.cpu._is_avx512_bf16_supported()
    peaks = {name: largest_product(d) for name, d in (("bf16", torch.bfloat16), ("float32", torch.float32))}
    rows = []
    for channels in arguments.channels:
        times: dict[str, list[float]] = {"plain": [], "careful": [], "ours": []}
        psnr: dict[str, list[float]] = {name: [] for name in times}
        for seed in range(arguments.rounds):
            for name in times:
                size = ["--channels", str(channels), "--steps", str(arguments.steps)]
                told = in_a_process(__file__, "--worker", name, str(seed), *size)
                times[name].append(told["seconds"])
                psnr[name].append(told["psnr"])
        for name, values in times.items():
            precision = "bf16" if bf16 and name != "plain" else "float32"
            rate = flops(channels) / statistics.median(values) / 1e9
            print(
                f"{name:8} {channels} channels: {1e3 * statistics.median(values):.1f} ms a step, "
                f"{rate:.0f} GFLOP/s, {rate / peaks[precision]:.0%} of the largest {precision} product "
                f"({peaks[precision]:.0f}); "
                f"{statistics.fmean(psnr[name]):.2f} dB after {arguments.steps} steps, {len(values)} seeds"
            )
        for other, bar in BARS.get(channels, {}).items():
            both = " / ".join(f"{1e3 * statistics.median(times[n]):.1f}" for n in ("ours", other)) + " ms"
            name = f"training step, {channels} channels: ours / {other} loop"
            rows.append(row(name, ratios(times, "ours", other), bar, both))
    finish(rows)
    return None


if __name__ == "__main__":
    main()
