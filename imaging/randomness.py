"""Randomness as a pure function of its keys.

Noise, crops, flips and the data order are drawn from generators such as `generator(seed, "noise", step)`,
never from the global state. So a run that resumes at any step, with any number of loader workers, equals
the uninterrupted run, and validation does not affect training.
"""

import hashlib

import torch


def generator(*keys: int | float | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator whose stream depends only on `keys`.

    Equal keys give equal numbers in every process and on every machine. Different keys give independent
    streams; `1` and `"1"` are different, and so are two orders of the same keys.

    Args:
        keys: integers, floats and strings, most general first, e.g. `(seed, "noise", step, rank)`.
        device: the device of the numbers. CPU and CUDA streams of equal keys differ.

    Raises:
        TypeError: a key of another type, whose `repr` may differ between processes.

    Examples:
        >>> torch.rand(2, generator=generator(0, "noise", 7))
        tensor([0.1886, 0.2608])
    """
    for key in keys:
        if type(key) not in (int, float, str):
            raise TypeError(f"a generator's key is an int, float or str, not {type(key).__name__}: {key!r}")
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    # 63 bits, because manual_seed of every backend accepts non-negative signed 64-bit integers.
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "little") >> 1)
