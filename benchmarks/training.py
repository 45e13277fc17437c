"""A training step of the denoising protocol: ours against a student's loop and an expert's.

    python benchmarks/training.py [--channels 64 32] [--rounds 3] [--whole]

plain: float32, NCHW, a DataLoader over a tensor of floats, Adam, `loss.item()` each step.
careful: bfloat16 autocast where the processor has it, channels_last, batches by one index operation from
uint8, fused Adam, no synchronisation; without a framework.
ours: what `train.py` does, with its default logging, validation and checkpoints.

Each in a process of its own, in turns, in so many rounds, and in two more where 32 channels are timed; the
loops find the patches ready in a file. Seconds are of 80 steps after the first 30. Ours has one validation
and one checkpoint after them, which count as one of each in 500 steps, as by default. With --whole, the
protocol's 1876 steps of each, with all that belongs to them, and the PSNR that they come to.
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

WARM, STEPS, WHOLE = 30, 110, 1876
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


def ours(config: dict, data, task, callbacks: Sequence = ()) -> list[float]:
    """The times of all steps' ends and of the training's, through `imaging.training.trainer.fit`."""
    from imaging.commands.process.memory import keep_freed_memory
    from imaging.runs.run import Run
    from imaging.training.strategies import EveryStep
    from imaging.training.trainer import build_trainer, fit

    times = []

    class Clock(EveryStep):
        def after_step(self, *arguments):
            times.append(time.perf_counter())

        on_train_end = after_step

    keep_freed_memory()  # as the command does
    with tempfile.TemporaryDirectory() as directory:
        run = Run(directory, config)
        trainer, start = build_trainer(config["trainer"], run)
        trainer.callbacks += [Clock(), *callbacks]
        fit(trainer, task, data, run, start)
    return times


def elapsed(times: list[float]) -> float:
    """Seconds from the end of step WARM to the training's end."""
    return times[-1] - times[WARM - 1]


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

    from imaging.precision import is_bf16_fast

    bf16 = is_bf16_fast()
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


def worker(name: str, channels: int, seed: int, whole: bool) -> None:
    import torch

    steps = WHOLE if whole else STEPS
    torch.manual_seed(seed)
    config = settings(channels, steps, seed)
    if name == "ours":
        from imaging.data import build_data
        from imaging.tasks import build_task

        data, task = build_data(config["data"]), build_task(config)
        data.setup("fit")
        network = task.network
        if not whole:
            interval = config["trainer"]["val_check_interval"]
            config["trainer"] |= {"val_check_interval": STEPS, "checkpoint_every_n_steps": STEPS}
        times = ours(config, data, task)
        taken = elapsed(times)
        if not whole:
            extra = times[-1] - times[-2]
            taken -= extra * (1 - (STEPS - WARM) / interval)
    else:
        from imaging.models import build_model

        network, patches = build_model(config["model"]), torch.load(os.environ["BENCHMARK_PATCHES"])
        if name == "plain" and not whole:
            steps = (WARM + STEPS) // 2  # it is slow, and all its steps are alike
        taken = {"plain": plain, "careful": careful}[name](network, patches, steps)
    told = {"seconds": taken / (steps - WARM)}
    if whole:
        told["psnr"] = tested(config, network, name)
    print(json.dumps(told))


def tested(config: dict, network, name: str) -> float:
    """Mean PSNR over all test images."""
    from imaging.data import build_data
    from imaging.evaluation.protocol import Protocol
    from imaging.evaluation.testing import run_protocol
    from imaging.tasks import build_task

    task = build_task(config)
    task.network = network
    protocol = Protocol(config["data"]["source"]["name"], (SIGMA,))
    images = build_data(config["data"]).test_images()
    return statistics.fmean(r.psnr for r in run_protocol(task, images, protocol, name, name))


def save_patches(path: Path) -> None:
    """uint8 (n, 3, SIDE, SIDE): those that ours trains on."""
    import torch

    from imaging.data import build_data

    data = build_data(settings(64, 1, 0)["data"])
    data.setup("fit")
    torch.save(data._train.images, path)


def flops(channels: int) -> float:
    """Of a step: multiplications and additions of the convolutions, forward and backward."""
    inner = BATCH * SIDE**2 * 2 * 9 * channels
    return 3 * inner * 3 * channels + 3 * inner * 3 + 2 * inner * 3  # no gradient of the first one's input


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, nargs="+", default=[64, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="the whole protocol, with its PSNR")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        name, seed = arguments.worker
        return worker(name, arguments.channels[0], int(seed), arguments.whole)
    import torch

    from imaging.precision import is_bf16_fast

    bf16 = is_bf16_fast()
    peaks = {"float32": largest_product(torch.float32)}
    if bf16:  # in software a product takes minutes
        peaks["bf16"] = largest_product(torch.bfloat16)
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        os.environ["BENCHMARK_PATCHES"] = f"{directory}/patches.pt"
        save_patches(Path(os.environ["BENCHMARK_PATCHES"]))
        for channels in arguments.channels:
            # Steps of a narrow network are short: more rounds cost little, and their ratios scatter more.
            rounds = arguments.rounds + (0 if arguments.whole or channels > 32 else 2)
            rows += compare(channels, rounds, arguments.whole, bf16, peaks)
    finish(rows)
    return None


def compare(channels: int, rounds: int, whole: bool, bf16: bool, peaks: dict[str, float]) -> list[dict]:
    """The rows of one size of network, after what was measured is printed."""
    times: dict[str, list[float]] = {"plain": [], "careful": [], "ours": []}
    psnr: dict[str, list[float]] = {name: [] for name in times}
    for seed in range(rounds):
        for name in times:
            size = ["--channels", str(channels), *(["--whole"] if whole else [])]
            told = in_a_process(__file__, *size, "--worker", name, str(seed))
            times[name].append(told["seconds"])
            psnr[name].append(told.get("psnr"))
    for name, values in times.items():
        precision = "bf16" if bf16 and name != "plain" else "float32"
        rate = flops(channels) / statistics.median(values) / 1e9
        print(
            f"{name:8} {channels} channels: {1e3 * statistics.median(values):.1f} ms a step, "
            f"{rate:.0f} GFLOP/s, {rate / peaks[precision]:.0%} of the largest {precision} product "
            f"({peaks[precision]:.0f})"
            + (f"; {statistics.fmean(psnr[name]):.2f} dB, {rounds} seeds" if whole else ""),
            flush=True,
        )
    rows = []
    for other, bar in BARS.get(channels, {}).items():
        both = " / ".join(f"{1e3 * statistics.median(times[n]):.1f}" for n in ("ours", other)) + " ms"
        name = f"training step, {channels} channels: ours / {other} loop"
        rows.append(row(name, ratios(times, "ours", other), bar, both))
    return rows


if __name__ == "__main__":
    main()
