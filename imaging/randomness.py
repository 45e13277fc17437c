"""Randomness as a pure function of its keys.

Noise, crops, flips and the data order are drawn from `generator(seed, "noise", step, rank)` and the
like, never from the global state. So a run that is resumed at any step, with any number of loader
workers, repeats the uninterrupted run, and validation cannot disturb training.
"""

import hashlib

import torch


def generator(*keys: int | float | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator whose stream depends on `keys` alone.

    The same keys give the same numbers in every process and on every machine; different keys
    (also `1` and `"1"`, or a different order) give independent streams.

    Args:
        keys: integers, floats and strings, most general first, e.g. `(seed, "noise", step, rank)`.
        device: where numbers will be drawn. CPU and CUDA streams of the same keys differ.

    Raises:
        TypeError: for a key of another type, whose text might not be the same everywhere.

    Example:
        >>> torch.rand(2, generator=generator(0, "noise", 7))
        tensor([0.1886, 0.2608])
    """
    for key in keys:
        if type(key) not in (int, float, str):
            raise TypeError(f"a generator's key is an int, float or str, not {type(key).__name__}: {key!r}")
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    # 63 bits: every backend's manual_seed accepts a non-negative signed 64-bit integer.
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "little") >> 1)
