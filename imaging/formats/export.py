"""A trained network as a file that runs without this project: torch.export."""

import copy
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.files import write_atomically
from imaging.formats.networks import load_network
from imaging.tasks.reconstruction import Reconstruction

SUFFIX = ".pt2"
SIDE = 64  # of the image that is sent through while the graph is recorded


class Intensities(nn.Module):
    """x_hat = f(y) from intensities to intensities, whatever the network's own units.

    Args:
        task: with its network.
    """

    def __init__(self, task: Reconstruction):
        super().__init__()
        # A copy: what it keeps for each image size would be left as the recorder's symbols.
        self.network = copy.deepcopy(task.network)
        self.normalise, self.denormalise = task.normalise, task.denormalise

    def forward(self, y: Tensor, sigma: Tensor | None = None) -> Tensor:
        """(N, C, H, W) float32, and sigma (N, 1, 1, 1) if the network takes it -> (N, C, H, W)."""
        told = () if sigma is None else (sigma,)
        return self.denormalise(self.network(self.normalise(y), *told))


def export_network(
    name: str | Path, path: Path, size: tuple[int, int] | None = None, device: str = "auto"
) -> str:
    """Load a network and export it.

    Args:
        name: of a network that ships, or a path; see `imaging.formats.networks.load_network`.
        path: the file; ends in .pt2.
        size: (H, W) of the images in pixels; None: any.
        device: auto, cpu, cuda, …

    Returns:
        a line that says what the file takes.

    Raises:
        ImagingError: another suffix, a size that is not positive, no such network, or a network whose graph
            depends on the size where none is given.
    """
    if path.suffix != SUFFIX:
        raise ImagingError(f"cannot export to {path}: its name does not end in {SUFFIX}")
    if size is not None and min(size) < 1:
        raise ImagingError(f"the size is {size[0]} × {size[1]}; expected positive numbers of pixels")
    task, config = load_network(name, device)
    return export(task, config["data"]["source"]["channels"], path, size)


def export(task: Reconstruction, channels: int, path: Path, size: tuple[int, int] | None = None) -> str:
    """Write the network as `torch.export.save` does; `torch.export.load(path).module()(y)` runs it.

    Args:
        task: in evaluation mode, on its device.
        channels: of the images.
        path: ends in .pt2.
        size: (H, W) of the images; None: any, where the network's graph is the same for all.

    Returns:
        what it takes, a line.

    Raises:
        ImagingError: a network whose graph depends on the size.
    """
    height, width = size or (SIDE, SIDE + 16)
    y = torch.rand(1, channels, height, width, device=task.device)
    arguments = (y, torch.full((1, 1, 1, 1), 0.01, device=task.device)) if task.takes_sigma else (y,)
    free = torch.export.Dim.DYNAMIC
    shapes = ({2: free, 3: free} if size is None else {}, {})[: len(arguments)]
    module = Intensities(task).eval()
    # Of torch.export.save, about weights on other devices than the processor, with all of them there.
    warnings.filterwarnings("ignore", "No complete tensor found in the group")
    try:
        with torch.no_grad():
            program = torch.export.export(module, arguments, dynamic_shapes=shapes)
            if size is None:  # a graph may hold for sizes alone that are divisible as the recorded one
                other = torch.rand(1, channels, SIDE + 1, SIDE + 7, device=task.device)
                program.module()(other, *arguments[1:])
    except Exception as error:  # torch.export has a dozen kinds
        reason = " ".join(str(error).split())[:160]
        more = "" if size else "; give the size of the images: --size HEIGHT WIDTH"
        raise ImagingError(f"this network cannot be exported ({reason}){more}") from None
    write_atomically(path, lambda file: torch.export.save(program, file))
    what = "of any height and width" if size is None else f"of {height}×{width} pixels"
    return f"{path}: takes float32 (1, {channels}, H, W) {what}, intensities in [0, 1]" + (
        ", and sigma (1, 1, 1, 1)" if task.takes_sigma else ""
    )
