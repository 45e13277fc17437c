"""The precision of the training on a processor."""

from pathlib import Path

import pytest
import torch

from imaging.precision import is_bf16_fast


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
