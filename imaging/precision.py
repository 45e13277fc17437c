"""The precision of the training, and evaluation in float32 for any of them."""

import contextlib
from pathlib import Path

import torch


@contextlib.contextmanager
def full_precision(device: torch.device):
    """Context in which autocast is off, and a GPU computes in float32, without TF32.

    Nor does cuDNN search for its fastest convolutions: the numbers do not depend on what ran before.
    """
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        before = [(module, name, getattr(module, name)) for module, name, _ in _switches()]
        for module, name, value in _switches():
            setattr(module, name, value)
        try:
            yield
        finally:
            for module, name, value in before:
                setattr(module, name, value)


def _switches() -> list[tuple]:
    """Modules, attributes and values for full precision on a GPU."""
    backends = torch.backends
    search = (backends.cudnn, "benchmark", False)
    if not hasattr(backends, "fp32_precision"):  # torch < 2.9
        return [search, (backends.cuda.matmul, "allow_tf32", False), (backends.cudnn, "allow_tf32", False)]
    # Each on its own, because a general setting of the user's does not go before these.
    kinds: tuple = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)  # type: ignore[attr-defined]
    return [search, *((kind, "fp32_precision", "ieee") for kind in kinds)]


def is_bf16_fast() -> bool:
    """Whether this processor trains convolutional networks faster in bf16 than in float32.

    With AMX it does; with the bf16 instructions of AVX-512, AMD's do. On an Intel processor that has only the
    latter, a step of the DnCNN of 64 channels took 1.45 times as long as in float32.
    """
    if torch.cpu._is_amx_tile_supported():
        return True
    try:
        processor = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return False
    return torch.cpu._is_avx512_bf16_supported() and "AuthenticAMD" in processor
