"""The project's own autograd functions against torch's, and the inpainting step on them against a plain loop.

    python benchmarks/autograd.py

The functions alone: forward and backward of the 784-32-32-784 perceptron. The loop: the inpainting protocol,
batch 32, plain gradient descent; by hand on `torch.nn.functional.linear`, and by what `train.py` does.
"""

import json
import sys

import torch
import torch.nn.functional as F
from ruler import finish, in_a_process, interleaved, ratios, row
from torch import nn
from training import WARM, elapsed, ours, shuffled, timed

from imaging.data import build_data
from imaging.models import build_model
from imaging.tasks import build_task

STEPS, ROUNDS = 3000, 3


def functions() -> list[dict]:
    own = build_model({"name": "mlp"})
    stock = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 784))
    rows = []
    for batch, bar in ((4096, 1.15), (32, 1.35)):
        x = torch.rand(batch, 784, requires_grad=True)
        g = torch.rand(batch, 784)

        def both(layers, x=x, g=g):
            layers(x).backward(g)

        times = interleaved({"own": lambda: both(own.layers), "stock": lambda: both(stock)}, ROUNDS, 0.5)
        note = f"{1e6 * min(times['own']):.0f} / {1e6 * min(times['stock']):.0f} µs"
        name = f"own autograd functions / torch's, forward and backward, batch {batch}"
        rows.append(row(name, ratios(times, "own", "stock"), bar, note))
    return rows


def settings() -> dict:
    from pathlib import Path

    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from imaging.runs.names import register_resolvers

    register_resolvers()
    with initialize_config_dir(str(Path(__file__).parents[1] / "conf"), version_base="1.3"):
        words = ["experiment=inpainting_bundled", f"trainer.max_steps={STEPS}", "trainer.max_epochs=-1"]
        return OmegaConf.to_container(compose("train", words), resolve=True)


def by_hand(patches: torch.Tensor, mean: float, std: float) -> float:
    """Seconds a step of the loop that somebody would write for this network alone."""
    shapes = ((32, 784), (32, 32), (784, 32))
    weights = [torch.empty(s).uniform_(-0.1, 0.1).requires_grad_() for s in shapes]
    biases = [torch.empty(s[0]).uniform_(-0.1, 0.1).requires_grad_() for s in shapes]
    optimizer = torch.optim.SGD([*weights, *biases], lr=0.5, fused=True)
    indices = shuffled(len(patches), 32)

    def step() -> None:
        x = ((patches[next(indices)].float() / 255 - mean) / std).flatten(1)
        y = x.clone()
        y[:, 14 * 28 :] = 0
        hidden = F.relu(F.linear(y, weights[0], biases[0]))
        hidden = F.relu(F.linear(hidden, weights[1], biases[1]))
        loss = F.mse_loss(F.linear(hidden, weights[2], biases[2]), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return timed(step, STEPS) / (STEPS - WARM)


def worker(which: str) -> None:
    config = settings()
    data = build_data(config["data"])
    data.setup("fit")
    if which == "ours":
        seconds = elapsed(ours(config, data, build_task(config))) / (STEPS - WARM)
    else:
        seconds = by_hand(data._train.images, config["data"]["mean"], config["data"]["std"])
    print(json.dumps({"seconds": seconds}))


def main() -> None:
    if len(sys.argv) > 1:
        return worker(sys.argv[1])
    rows = functions()
    times: dict[str, list[float]] = {"ours": [], "by hand": []}
    for _ in range(ROUNDS):
        for name in times:
            times[name].append(in_a_process(__file__, name)["seconds"])
    note = f"{1e6 * min(times['ours']):.0f} / {1e6 * min(times['by hand']):.0f} µs"
    rows.append(row("inpainting step, batch 32: ours / by hand", ratios(times, "ours", "by hand"), 1.6, note))
    finish(rows)
    return None


if __name__ == "__main__":
    main()
