"""Large images through a network piece by piece, with the result of the whole."""

from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm import tqdm

from imaging.data.image_files import to_bytes
from imaging.tasks.reconstruction import Reconstruction, as_float

SIDE = 512  # pixels of a piece; larger ones are not faster


@torch.inference_mode()
def restore_tiles(
    task: Reconstruction, image: Tensor, side: int = SIDE
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Rows, columns, and what belongs there of the restored image: float32 (C, h, w) on the CPU, not clipped.

    A piece is restored with as much around it as the network's `reach` says, from where on nothing of y
    enters a pixel. A network that does not say so, such as a filter of frequencies, gets the whole image.

    Args:
        task: with its network, on its device.
        image: measured (C, H, W), uint8 or float.
        side: of a piece.
    """
    task.eval()
    size, reach = tuple(image.shape[-2:]), getattr(task.network, "reach", None)
    if reach is None or max(size) <= side:
        yield slice(0, size[0]), slice(0, size[1]), _restore(task, image)
        return
    multiple = getattr(task.network, "multiple", 1)
    side, reach = (-(-n // multiple) * multiple for n in (side, reach))
    places = [(top, left) for top in range(0, size[0], side) for left in range(0, size[1], side)]
    for place in tqdm(places, "restoring", unit="tile", leave=False, disable=None):  # in a terminal only
        inner = [slice(at, min(at + side, length)) for at, length in zip(place, size, strict=True)]
        outer = [
            slice(max(0, part.start - reach), min(length, part.stop + reach))
            for part, length in zip(inner, size, strict=True)
        ]
        restored = _restore(task, image[(..., *outer)])
        own = (slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
        yield *inner, restored[(..., *own)]


def restore(task: Reconstruction, image: Tensor, side: int = SIDE) -> Tensor:
    """A measured image (C, H, W), uint8 or float, as the task restores it: float32 (C, H, W), not clipped."""
    whole = torch.empty(image.shape, dtype=torch.float32)
    for rows, columns, piece in restore_tiles(task, image, side):
        whole[:, rows, columns] = piece
    return whole


def restore_to_bytes(task: Reconstruction, image: Tensor, side: int = SIDE) -> Tensor:
    """The same clipped to [0, 1] and rounded to uint8, without the whole ever being there as floats."""
    whole = torch.empty(image.shape, dtype=torch.uint8)
    for rows, columns, piece in restore_tiles(task, image, side):
        whole[:, rows, columns] = to_bytes(piece)
    return whole


def _restore(task: Reconstruction, image: Tensor) -> Tensor:
    return task.restore(task.normalise(as_float(image.to(task.device))[None]))[0].cpu()
