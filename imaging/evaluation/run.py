"""Evaluate one run: from its task and the test images to all that is told of it."""

import hashlib
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from imaging.errors import ImagingError
from imaging.evaluation.evaluate import Examples, Protocol, evaluate
from imaging.evaluation.linear_view import linear_view
from imaging.evaluation.outputs import KINDS, Result, refuse_diverged
from imaging.evaluation.records import RecordFile
from imaging.tasks.reconstruction import Reconstruction

SECONDS = 1.0  # so much of a test is lost at most if the machine stops


def evaluate_run(
    task: Reconstruction,
    images: Sequence[tuple[str, Tensor]],
    protocol: Protocol,
    config: dict,
    run: str,
    file: Path,
    method: str | None = None,
    look: bool = True,
) -> Result:
    """Test a run on the test images.

    Args:
        task: with its weights, on its device.
        images: a sequence of (id, clean image) pairs.
        protocol: which noise.
        config: the run's; its `test` says how many examples, at which sigma.
        run: the name of the run in the records.
        file: the records are appended to it as they are measured. If a test of these weights was stopped, it
            goes on behind what is there.
        method: what they call the network; None: its name.
        look: whether to see a network without biases as a linear map, which takes seconds.

    Raises:
        ImagingError: the weights or the restored images are not finite numbers.
    """
    test = config["test"]
    sigma = min(protocol.sigmas, key=lambda s: abs(s - test["examples_sigma"]))
    examples = Examples(keep=test["examples"], sigma=sigma, count=len(images))
    method, weights = method or config["model"]["name"], digest(task.network)
    same = {"run": run, "data": protocol.data, "method": method, "weights": weights}
    kept = RecordFile(file, same | {"convention": protocol.convention})
    draws = list(itertools.product(map(float, protocol.sigmas), range(protocol.noise_seeds)))
    asked: set[tuple] = set()

    def wanted(first: int, names: list[str]) -> bool:
        # Images that go through the network together do so again, for the same digits.
        keys = {(name, *draw) for name in names for draw in draws}
        asked.update(keys)
        return examples.turn(first, names) or not keys <= kept.records.keys()

    shown = tqdm(images, desc="testing", unit="image", leave=False, disable=None)  # in a terminal only
    records = evaluate(task, shown, protocol, run, method, [examples.observe], wanted, weights)
    new, flushed = [], time.monotonic()
    try:
        for record in records:
            new.append(record)
            if time.monotonic() > flushed + SECONDS:
                kept.append(new)
                new, flushed = [], time.monotonic()
    finally:
        kept.append(new)
    kept.finish()
    # A test that was stopped may have asked for other noise or more images.
    found = [record for key, record in kept.records.items() if key in asked]
    refuse_diverged(found)
    arrays = {kind: [image.float().numpy() for image in getattr(examples, kind)] for kind in KINDS}
    return Result(
        run,
        config,
        found,
        examples={"names": examples.names, "sigma": sigma, **arrays},
        view=linear_view(task, *images[0], protocol) if look else None,
    )


def digest(network: nn.Module) -> str:
    """Twelve hexadecimal digits that are others if a weight is.

    Raises:
        ImagingError: a weight is not a finite number.
    """
    hashed = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ImagingError(f"the weights {name} are not finite numbers: the training diverged")
        hashed.update(name.encode())
        hashed.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()[:12]
