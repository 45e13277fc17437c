"""A data set that needs no files: disks of random size and colour that hide each other."""

import torch
from torch import Tensor

from imaging.data import SOURCES
from imaging.data.source import Source
from imaging.randomness import generator
from imaging.settings import Count


@SOURCES.register("dead_leaves")
class DeadLeaves(Source):
    """Images with the edges and the scales of photographs: Lee, Mumford and Huang, IJCV 2001.

    Args:
        channels: 3 = RGB, 1 = gray.
        side: of an image, in pixels.
        images: number in each split.

    Examples:
        >>> source = DeadLeaves(side=32, images=2)
        >>> source.ids("test"), source.read("test", 1).shape
        (['leaves-0', 'leaves-1'], torch.Size([3, 32, 32]))
    """

    name = "dead_leaves"

    def __init__(self, channels: Count = 3, side: Count = 128, images: Count = 8):
        self.channels, self.side, self.images = channels, side, images

    def ids(self, split: str) -> list[str]:
        return [f"leaves-{index}" for index in range(self.images)]

    def read(self, split: str, index: int) -> Tensor:
        random = generator("dead leaves", split, index)  # the same image each time
        rows, columns = torch.meshgrid(torch.arange(self.side), torch.arange(self.side), indexing="ij")
        image = torch.zeros(self.channels, self.side, self.side, dtype=torch.uint8)
        for _ in range(200):
            row, column, size = torch.rand(3, generator=random).tolist()
            radius = self.side / (4 + 60 * size)
            inside = (rows - row * self.side) ** 2 + (columns - column * self.side) ** 2 < radius**2
            colour = torch.randint(256, (self.channels, 1), generator=random, dtype=torch.uint8)
            image[:, inside] = colour
        return image
