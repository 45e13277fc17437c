"""Fingerprints of a training's state: hashes for equal bits, sketches for how far two states are apart."""

import hashlib
import math

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.randomness import generator
from imaging.runs.ledger import BUCKETS, Line


def digest(value) -> str:
    """The SHA-256 of plain data and tensors, in hexadecimal.

    It does not depend on the device, on the memory format of a tensor or on the order of a dict's keys.

    Args:
        value: dicts, lists, tuples, tensors, numbers, text, None, in each other.

    Raises:
        ImagingError: it holds something else.
    """
    hashed = hashlib.sha256()
    _feed(hashed, value)
    return hashed.hexdigest()


def _feed(hashed, value) -> None:
    if isinstance(value, Tensor) and value.layout == torch.strided:
        hashed.update(f"tensor {value.dtype} {tuple(value.shape)};".encode())
        flat = value.detach().cpu().contiguous().flatten()
        hashed.update(flat.view(torch.uint8).numpy().data)
    elif isinstance(value, dict):
        hashed.update(f"dict {len(value)};".encode())
        for key in sorted(value, key=repr):
            _feed(hashed, key)
            _feed(hashed, value[key])
    elif isinstance(value, list | tuple):
        hashed.update(f"list {len(value)};".encode())
        for one in value:
            _feed(hashed, one)
    elif value is None or isinstance(value, bool | int | float | str):
        text = (value.hex() if isinstance(value, float) else str(value)).encode(errors="surrogatepass")
        hashed.update(f"{type(value).__name__} {len(text)};".encode() + text)
    else:
        raise ImagingError(f"a {type(value).__name__} cannot be hashed; expected plain data and tensors")


def sketch(weights: dict[str, Tensor]) -> tuple[float, ...]:
    """Sixteen numbers whose differences tell how far two sets of weights are apart.

    Each weight is added, with a fixed random sign, to one of sixteen sums. The squared distance of two
    sketches is in the mean that of the weights: Charikar, Chen and Farach-Colton, "Finding frequent items in
    data streams", 2002. Rounding is the same for any number of threads.

    Args:
        weights: by name; those that are not floating-point numbers do not count.
    """
    sums = torch.zeros(BUCKETS, dtype=torch.float64).numpy()
    for name, tensor in sorted(weights.items()):
        if not tensor.is_floating_point():
            continue
        signed = torch.zeros(-(-tensor.numel() // BUCKETS) * BUCKETS, dtype=torch.float64)
        signed[: tensor.numel()] = tensor.detach().cpu().contiguous().flatten()
        signed *= _signs(name, len(signed))
        sums += signed.numpy().reshape(-1, BUCKETS).sum(0)
    return tuple(sums.tolist())


_drawn: dict[tuple[str, int], Tensor] = {}


def _signs(name: str, size: int) -> Tensor:
    """Random signs, int8 (size,); drawn once, since that takes longer than their use."""
    if (name, size) not in _drawn:
        bits = torch.randint(0, 2, (size,), generator=generator("ledger", name), dtype=torch.int8)
        _drawn[name, size] = 2 * bits - 1
    return _drawn[name, size]


def distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The distance of two sketches."""
    return math.dist(one, other)


def states_of(checkpoint: dict) -> tuple[dict, dict, dict]:
    """The training weights, their average ({} if there is none) and the optimiser's state in a checkpoint.

    Raises:
        ImagingError: it is not the checkpoint of a training.
    """
    weights, training = checkpoint.get("state_dict"), checkpoint.get("training_weights", {})
    optimizer = {key: checkpoint.get(key) for key in ("optimizer_states", "lr_schedulers")}
    if not isinstance(weights, dict) or not isinstance(training, dict) or None in optimizer.values():
        raise ImagingError("it is not the checkpoint of a training")
    average = {name: weights[name] for name in training if name in weights}
    return weights | training, average, optimizer


def describe(
    step: int, weights: dict, average: dict, optimizer: dict, loss: float | None = None, event: str = "step"
) -> Line:
    """The line of a step, not yet chained; the states are those of `states_of`."""
    averaged = {f"average {name}": tensor for name, tensor in average.items()}
    return Line(
        event,
        step,
        digest(weights),
        digest(average) if average else "",
        digest(optimizer),
        loss,
        sketch(weights | averaged),
    )


def is_near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two sketches are of equal weights, but for the rounding of the sums."""
    return distance(one, other) <= 1e-9 * max(1e-30, distance(one, (0.0,) * BUCKETS))
