"""A training step with each loss that needs no clean images, as a ratio to the step with `loss=mse`.

    python benchmarks/losses.py [--hidden_channels 64] [--rounds 3]

The step of the denoising study: DnCNN without biases, 32 patches of 32×32 RGB pixels, sigma 0.1.
"""

import argparse

import torch
from ruler import finish, row, seconds

from imaging.precision import is_bf16_fast
from imaging.randomness import generator
from imaging.tasks import build_task

LOSSES = ("sure", "noise2noise", "recorrupted", "neighbor2neighbor", "noise2self")
BARS = {"sure": 2.3}


def step_with(loss: str, hidden_channels: int):
    """A function that takes one optimiser step."""
    task = build_task(
        {
            "task": {"name": "denoiser"},
            "loss": {"name": loss},
            "model": {"name": "dncnn", "hidden_channels": hidden_channels, "bias": False},
            "physics": {"operator": {"name": "identity"}, "noise": {"sigma": 0.1}},
            "optimizer": {"name": "adam"},
            "schedule": {"name": "constant"},
            "seed": 0,
        }
    ).train()
    optimizer = torch.optim.Adam(task.network.parameters(), lr=1e-3, fused=True)
    task.network.to(memory_format=torch.channels_last)
    images = torch.randint(256, (32, 3, 32, 32), generator=generator("images")).byte()

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16_fast()):
            value = task.training_step({"image": images}, 0)["loss"]
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden_channels", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps = {name: step_with(name, arguments.hidden_channels) for name in ("mse", *LOSSES)}
    rounds = [{name: seconds(step, 2.0) for name, step in steps.items()} for _ in range(arguments.rounds)]
    note = f"DnCNN of {arguments.hidden_channels} channels, CPU"
    ratios = {name: [one[name] / one["mse"] for one in rounds] for name in LOSSES}
    finish([row(f"step with loss={name}", ratios[name], BARS.get(name, 2.3), note) for name in LOSSES])


if __name__ == "__main__":
    main()
