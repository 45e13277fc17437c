"""Calibrate the error maps of denoisers that ship: python -m imaging.restoring.calibration <name> …

Writes a table into the metadata of `weights/<name>.safetensors`, and `weights/SHA256SUMS`. The images are
every eighth test image of BSDS300, which none of the networks was trained on.
"""

import copy
import math
import sys
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

import imaging
from imaging.formats.networks import write_sums
from imaging.formats.weights import read_metadata, read_weights, write_weights
from imaging.places import WEIGHTS
from imaging.randomness import generator
from imaging.restoring.error_map import CALIBRATION, NORMAL, Calibration
from imaging.restoring.restorer import Restorer, load
from imaging.tasks.equations import as_float

SIGMAS = (0.02, 0.05, 0.1, 0.2)
EVERY = 8
COVERED = 0.9
BINS = 16


def calibrate(
    restorer: Restorer, images: Iterable[tuple[str, Tensor]], sigmas: Sequence[float] = SIGMAS
) -> Calibration:
    """Calibrate the error maps of a denoiser on clean images that it was not trained on.

    Args:
        restorer: of the network.
        images: pairs of an id and a clean image (C, H, W), uint8 or float.
        sigmas: of the noise.
    """
    restorer = copy.copy(restorer)
    restorer.calibration = NORMAL
    pairs: dict[float, list[Tensor]] = {sigma: [] for sigma in sigmas}
    for name, image in images:
        x = as_float(image)
        for sigma in sigmas:
            y = x + sigma * torch.randn(x.shape, generator=generator("calibration", name, sigma))
            x_hat, error = restorer.restore_with_error(y, sigma)
            magnitude = error.bound / NORMAL.factors[0][0] / sigma
            pairs[sigma].append(torch.stack([magnitude, (x_hat - x).abs().mean(0) / sigma]).flatten(1))
    tables = [_table(*torch.cat(pairs[sigma], dim=1)) for sigma in sigmas]
    return Calibration(list(sigmas), [edges for edges, _ in tables], [factors for _, factors in tables])


def _table(magnitude: Tensor, error: Tensor) -> tuple[list[float], list[float]]:
    """Edges and factors of bins with equal numbers of pixels."""
    order = magnitude.argsort()
    bins = [order[i * len(order) // BINS : (i + 1) * len(order) // BINS] for i in range(BINS)]
    factors = []
    for one in bins:
        ratios = error[one] / magnitude[one]
        rank = min(len(ratios), math.ceil(COVERED * (len(ratios) + 1)))
        factors.append(round(ratios.kthvalue(rank).values.item(), 4))
    return [round(magnitude[one[0]].item(), 4) for one in bins[1:]], factors


def ship(name: str) -> None:
    """Calibrate a network that ships, and write the table into its file."""
    images = imaging.data("bsds300").test_images()
    table = calibrate(load(name, "cpu"), (images[i] for i in range(0, len(images), EVERY)))
    path = WEIGHTS / f"{name}.safetensors"
    weights, commit = read_weights(path), read_metadata(path, "commit")
    metadata = {"commit": commit or "", CALIBRATION: table.to_json()}
    write_weights(path, weights["config"], weights["state_dict"], metadata)
    write_sums()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        ship(name)
