"""Restore large images in tiles, with the same result as for the whole image."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from imaging.progress import track
from imaging.tasks.reconstruction import Reconstruction, as_float

SIDE = 512  # of a tile in pixels; larger tiles are not faster
Slices = tuple[slice, slice]


@torch.inference_mode()
def restore_tiles(
    task: Reconstruction, image: Tensor, side: int = SIDE, sigma: float | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Restore an image tile by tile.

    A tile is restored with a margin of the network's `reach`, the distance beyond which y does not affect a
    pixel. A network whose `reach` is None, e.g. a filter in the frequency domain, gets the whole image.

    Args:
        task: the network with its physics, on its device.
        image: measured image (C, H, W), uint8 or float.
        side: side of a tile in pixels.
        sigma: standard deviation of the noise, for a network that takes it.

    Yields:
        rows, columns, and the tile of the restored image: float32 (C, h, w) on the CPU, not clipped.
    """
    task.eval()
    size, reach = image.shape[-2:], task.network.reach
    if reach is None or max(size) <= side:
        yield slice(0, size[0]), slice(0, size[1]), _restore(task, image, sigma)
        return
    multiple = task.network.multiple
    side, reach = (-(-n // multiple) * multiple for n in (side, reach))
    for inner, outer, tile in cut(size, side, reach):
        restored = _restore(task, image[(..., *outer)], sigma)
        yield *inner, restored[(..., *tile)]


def cut(size: Sequence[int], side: int, margin: int) -> Iterator[tuple[Slices, Slices, Slices]]:
    """Cut an image into tiles with margins, and show the progress.

    Args:
        size: (H, W) of the image.
        side: of a tile in pixels.
        margin: pixels around a tile that are restored with it; fewer at the borders of the image.

    Yields:
        rows and columns of a tile in the image, those with its margin, and those of the tile in the latter.
    """
    corners = [(top, left) for top in range(0, size[0], side) for left in range(0, size[1], side)]
    for corner in track(corners, "restoring", len(corners)):
        inner = [slice(at, min(at + side, length)) for at, length in zip(corner, size, strict=True)]
        outer = [
            slice(max(0, part.start - margin), min(length, part.stop + margin))
            for part, length in zip(inner, size, strict=True)
        ]
        tile = [slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)]
        yield (inner[0], inner[1]), (outer[0], outer[1]), (tile[0], tile[1])


def restore_to_floats(
    task: Reconstruction, image: Tensor, side: int = SIDE, sigma: float | None = None
) -> Tensor:
    """Restore a measured image (C, H, W), uint8 or float, in tiles of `side` pixels.

    The result is float32 (C, H, W) on the CPU, not clipped; `sigma` is for a network that takes it.
    """
    x_hat = torch.empty(image.shape, dtype=torch.float32)
    for rows, columns, tile in restore_tiles(task, image, side, sigma):
        x_hat[:, rows, columns] = tile
    return x_hat


def restore_to_integers(
    task: Reconstruction, image: Tensor, bits: int, side: int = SIDE, sigma: float | None = None
) -> np.ndarray:
    """Restore a measured image, clip it to [0, 1] and round it to integers.

    The whole image is never in memory as floats, which would need the most memory.

    Args:
        task: the network with its physics, on its device.
        image: measured image (C, H, W), uint8, or float in [0, 1].
        bits: 8 or 16, bits per sample of the result.
        side: side of a tile in pixels.
        sigma: standard deviation of the noise, for a network that takes it.

    Returns:
        uint8 or uint16 (C, H, W).
    """
    x_hat = np.empty(image.shape, {8: np.uint8, 16: np.uint16}[bits])
    for rows, columns, tile in restore_tiles(task, image, side, sigma):
        x_hat[:, rows, columns] = (tile.clamp(0, 1) * (2**bits - 1)).round().numpy()
    return x_hat


def _restore(task: Reconstruction, image: Tensor, sigma: float | None) -> Tensor:
    y = task.normalise(as_float(image.to(task.device))[None])
    return task.restore(y, sigma)[0].cpu()
