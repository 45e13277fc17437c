"""Large images through a network piece by piece, with the result of the whole."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from imaging.tasks.reconstruction import Reconstruction, as_float

SIDE = 512  # pixels of a piece; larger ones are not faster


@torch.inference_mode()
def restore_tiles(
    task: Reconstruction, image: Tensor, side: int = SIDE, sigma: float | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Rows, columns, and what belongs there of the restored image: float32 (C, h, w) on the CPU, not clipped.

    A piece is restored with as much around it as the network's `reach` says, from where on nothing of y
    enters a pixel. A network that does not say so, such as a filter of frequencies, gets the whole image.

    Args:
        task: with its network, on its device.
        image: measured (C, H, W), uint8 or float.
        side: of a piece.
        sigma: of the noise, for a network that takes it.
    """
    task.eval()
    size, reach = tuple(image.shape[-2:]), task.network.reach
    if reach is None or max(size) <= side:
        yield slice(0, size[0]), slice(0, size[1]), _restore(task, image, sigma)
        return
    multiple = task.network.multiple
    side, reach = (-(-n // multiple) * multiple for n in (side, reach))
    places = [(top, left) for top in range(0, size[0], side) for left in range(0, size[1], side)]
    for place in tqdm(places, "restoring", unit="tile", leave=False, disable=None):  # in a terminal only
        inner = [slice(at, min(at + side, length)) for at, length in zip(place, size, strict=True)]
        outer = [
            slice(max(0, part.start - reach), min(length, part.stop + reach))
            for part, length in zip(inner, size, strict=True)
        ]
        restored = _restore(task, image[..., outer[0], outer[1]], sigma)
        own = [slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)]
        yield inner[0], inner[1], restored[..., own[0], own[1]]


def restore(task: Reconstruction, image: Tensor, side: int = SIDE, sigma: float | None = None) -> Tensor:
    """A measured image (C, H, W), uint8 or float, as the task restores it: float32 (C, H, W), not clipped."""
    whole = torch.empty(image.shape, dtype=torch.float32)
    for rows, columns, piece in restore_tiles(task, image, side, sigma):
        whole[:, rows, columns] = piece
    return whole


def restore_to_integers(
    task: Reconstruction, image: Tensor, bits: int, side: int = SIDE, sigma: float | None = None
) -> np.ndarray:
    """Restore a measured image (C, H, W), uint8 or float, clip it to [0, 1] and round it.

    The image as a whole is never in memory as floats, which would need more than all the rest.

    Args:
        task: restores each tile.
        image: (C, H, W), uint8, or float in [0, 1].
        bits: 8 or 16, of a sample of the result.
        side: of a tile, in pixels.
        sigma: standard deviation of the noise, for networks that take it.

    Returns:
        uint8 or uint16 (C, H, W).
    """
    whole = np.empty(image.shape, {8: np.uint8, 16: np.uint16}[bits])
    for rows, columns, piece in restore_tiles(task, image, side, sigma):
        whole[:, rows, columns] = (piece.clamp(0, 1) * (2**bits - 1)).round().numpy()
    return whole


def _restore(task: Reconstruction, image: Tensor, sigma: float | None) -> Tensor:
    y = task.normalise(as_float(image.to(task.device))[None])
    return task.restore(y, sigma)[0].cpu()
