"""The precision of the training on a processor."""

from pathlib import Path

import pytest
import torch

from imaging.precision import full_precision, is_bf16_fast


@pytest.mark.parametrize(
    ("vendor", "amx", "avx512", "fast"),
    [
        ("GenuineIntel", True, True, True),
        ("GenuineIntel", False, True, False),
        ("AuthenticAMD", False, True, True),
        ("AuthenticAMD", False, False, False),
        (None, False, True, False),
    ],
)
def test_bf16_is_fast_with_amx_or_on_amds_avx512(vendor, amx, avx512, fast, monkeypatch):
    def read_text(path):
        if vendor is None:
            raise FileNotFoundError(path)
        return f"vendor_id : {vendor}"

    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(Path, "read_text", read_text)
    assert is_bf16_fast() is fast


@pytest.fixture
def flags():
    """The general settings of torch's backends, put back afterwards."""
    general = getattr(torch.backends, "fp32_precision", None)
    products, search = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    yield
    if general is not None:
        torch.backends.fp32_precision = general
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.benchmark = search


@pytest.mark.parametrize("general", ["none", "tf32"])
@pytest.mark.parametrize("products", ["highest", "high"])
def test_evaluation_on_a_gpu_is_in_float32_whatever_was_set(products, general, flags):
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.benchmark = True
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if new := hasattr(torch.backends, "fp32_precision"):  # torch >= 2.9
        torch.backends.fp32_precision = general

    def state():
        if new:
            return cuda.fp32_precision, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision, cudnn.benchmark
        return cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark

    before = state()
    with full_precision(torch.device("cuda")):
        assert state() == (("ieee", "ieee", "ieee", False) if new else (False, False, False))
    assert state() == before
    torch.get_float32_matmul_precision()  # Lightning asks, and torch raises if the settings contradict
