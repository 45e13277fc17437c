"""What is measured is computed in float32, whatever a network was trained in."""

import contextlib

import torch


@contextlib.contextmanager
def full_precision(device: torch.device):
    """No autocast; on a GPU products and convolutions of float32 in float32, not in TF32 as in training."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(products)
            torch.backends.cudnn.allow_tf32 = convolutions
