"""Export of a trained network with torch.export, to run it without this project."""

import copy
import io
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.files import write_atomically
from imaging.formats.networks import load_network
from imaging.tasks.reconstruction import Reconstruction

SUFFIX = ".pt2"
SIDE = 64  # of the example image in pixels


class Intensities(nn.Module):
    """x_hat = f(y) from intensities to intensities, for any units of the network.

    Args:
        task: with its network.
    """

    def __init__(self, task: Reconstruction):
        super().__init__()
        # A copy, because tracing leaves symbolic tensors in the caches of the network.
        self.network = copy.deepcopy(task.network)
        self.normalise, self.denormalise = task.normalise, task.denormalise

    def forward(self, y: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore float32 (N, C, H, W), with sigma (N, 1, 1, 1) if the network takes it."""
        extra = () if sigma is None else (sigma,)
        return self.denormalise(self.network(self.normalise(y), *extra))


def export_network(
    name: str | Path,
    path: Path,
    size: tuple[int, int] | None = None,
    device: str = "auto",
    psf: dict | None = None,
) -> str:
    """Load a network and export it.

    Args:
        name: name or path of the network; see `imaging.formats.networks.load_network`.
        path: the file; ends in .pt2.
        size: (H, W) of the images in pixels; None: any.
        device: auto, cpu, cuda, …
        psf: of the blur, for a network that restores any blur: the file inverts this one alone.

    Returns:
        A line that describes the input of the exported network.

    Raises:
        ImagingError: another suffix, a size that is not positive, an unknown network, no size for a network
            whose graph depends on it, or no psf for a network that restores any blur.
    """
    if path.suffix != SUFFIX:
        raise ImagingError(f"cannot export to {path}: expected a name that ends in {SUFFIX}")
    if size is not None and min(size) < 1:
        raise ImagingError(f"the size is {size[0]} × {size[1]}; expected positive numbers of pixels")
    task, config = load_network(name, device, psf)
    if psf is None and task.physics.operator.is_random:
        raise ImagingError(
            "this network restores any blur, and the file one alone: give its psf, e.g. --psf gaussian:1.5"
        )
    return export(task, config["data"]["source"]["channels"], path, size)


def export(task: Reconstruction, channels: int, path: Path, size: tuple[int, int] | None = None) -> str:
    """Write the network with `torch.export.save`; `torch.export.load(path).module()(y)` runs it.

    Args:
        task: in evaluation mode, on its device.
        channels: of the images.
        path: ends in .pt2.
        size: (H, W) of the images in pixels; None: any, for a network whose graph does not depend on it.

    Returns:
        A line that describes the input of the exported network.

    Raises:
        ImagingError: the network cannot be exported, or no size for a network whose graph depends on it.
    """
    height, width = size or (SIDE, SIDE + 16)
    shape = task.physics.operator.output_shape((channels, height, width))
    y = torch.rand(1, *shape, device=task.device)
    arguments = (y, torch.full((1, 1, 1, 1), 0.01, device=task.device)) if task.takes_sigma else (y,)
    free = torch.export.Dim.DYNAMIC
    shapes = ({2: free, 3: free} if size is None else {}, {})[: len(arguments)]
    module = Intensities(task).eval()
    # A false alarm of torch.export.save for weights on a GPU.
    warnings.filterwarnings("ignore", "No complete tensor found in the group")
    try:
        with torch.no_grad():
            module(*arguments)  # computes what depends on the size alone, which torch 2.6 cannot trace
            program = torch.export.export(module, arguments, dynamic_shapes=shapes)
            if size is None:  # check that the graph does not need sizes divisible like those of the example
                other = torch.rand(1, shape[0], SIDE + 1, SIDE + 7, device=task.device)
                program.module()(other, *arguments[1:])
    except Exception as error:  # torch.export raises a dozen kinds
        reason = " ".join(str(error).split())[:160]
        hint = "" if size else "; give the size of the images: --size HEIGHT WIDTH"
        raise ImagingError(f"this network cannot be exported ({reason}){hint}") from None
    buffer = io.BytesIO()  # because torch tells of a full disk by twenty lines of its own
    torch.export.save(program, buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))
    sizes = "of any height and width" if size is None else "of {}×{} pixels".format(*shape[1:])
    return f"{path}: takes float32 (1, {shape[0]}, H, W) {sizes}, intensities in [0, 1]" + (
        ", and sigma (1, 1, 1, 1)" if task.takes_sigma else ""
    )
