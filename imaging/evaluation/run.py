"""Evaluate one run: records, example images and the linear view of its network."""

import hashlib
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.evaluation.examples import Examples
from imaging.evaluation.linear_view import linear_view
from imaging.evaluation.outputs import KINDS, Result, refuse_diverged
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.records import RecordFile
from imaging.evaluation.testing import run_protocol
from imaging.progress import track
from imaging.tasks.reconstruction import Reconstruction

SECONDS = 1.0  # between writes; at most this much of a test is lost if the machine stops


def evaluate_run(
    task: Reconstruction,
    images: Sequence[tuple[str, Tensor]],
    protocol: Protocol,
    config: dict,
    run: str,
    file: Path,
    method: str | None = None,
    view: bool = True,
) -> Result:
    """Test a run on the test images.

    Args:
        task: the network with its physics and weights, on its device.
        images: a sequence of (id, image (C, H, W)) pairs; see `Protocol.clean`.
        protocol: the noise of the test.
        config: the run's config; its `test` has the number and the noise of the examples.
        run: the name of the run in the records.
        file: the file to which records are appended while they are measured. A test of these weights that was
            stopped continues after the records in it.
        method: the name of the network in the records; None: the name in the config.
        view: whether to compute the linear view of a network without biases, which takes seconds.

    Raises:
        ImagingError: the weights or the restored images are not finite.
    """
    test = config["test"]
    middle = sorted(protocol.levels)[len(protocol.levels) // 2]
    shown = test.get(f"examples_{protocol.level}", middle)
    sigma = min(protocol.levels, key=lambda level: abs(level - shown))
    examples = Examples(test["examples"], sigma, len(images), task.network)
    method, weights = method or config["model"]["name"], digest(task.network)
    common = {"run": run, "data": protocol.data, "method": method, "weights": weights}
    written = RecordFile(file, common | {"convention": protocol.recorded})
    draws = list(itertools.product(map(float, protocol.levels), range(protocol.noise_seeds)))
    keys: set[tuple] = set()

    def select(first: int, names: list[str]) -> bool:
        # A batch is repeated as a whole, since the digits of a result depend on the batch.
        batch = {(name, *draw) for name in names for draw in draws}
        keys.update(batch)
        return examples.choose(first, names) or not batch <= written.records.keys()

    progress = track(images, "testing", len(images))
    new, flushed = [], time.monotonic()
    try:
        for record in run_protocol(
            task, progress, protocol, run, method, [examples.observe], select, weights
        ):
            new.append(record)
            if time.monotonic() > flushed + SECONDS:
                written.append(new)
                new, flushed = [], time.monotonic()
    finally:
        written.append(new)
    written.finish()
    # A test that was stopped may have had other noise or more images.
    records = [record for key, record in written.records.items() if key in keys]
    refuse_diverged(records)
    arrays: dict = {kind: [image.float().numpy() for image in getattr(examples, kind)] for kind in KINDS}
    arrays["traces"] = [{name: values.numpy() for name, values in one.items()} for one in examples.traces]
    return Result(
        run,
        config,
        records,
        examples=arrays | {"names": examples.names, "sigma": sigma, "level": protocol.level},
        view=linear_view(task, *images[0], protocol) if view and protocol.clean else None,
    )


def digest(network: nn.Module) -> str:
    """The first twelve hexadecimal digits of the SHA-256 of a network's weights.

    Raises:
        ImagingError: a weight is not finite.
    """
    hashed = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ImagingError(f"the weights {name} are not finite numbers: the training diverged")
        hashed.update(name.encode())
        hashed.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()[:12]
