"""Evaluation in float32, for any precision of the training."""

import contextlib

import torch


@contextlib.contextmanager
def full_precision(device: torch.device):
    """Context in which autocast is off and a GPU computes float32 products and convolutions without TF32."""
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
