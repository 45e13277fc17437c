"""MNIST: 60,000 training and 10,000 test images of digits, 28×28, gray."""

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imaging.data import SOURCES
from imaging.data.source import Source
from imaging.data.sources.download import download, locked, missing
from imaging.errors import ImagingError
from imaging.images.reading import Channels, to_channels

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
# MD5 of the decompressed files, which is independent of the compression of a mirror.
MD5 = {"train": "6bbc9ace898e44ae57da46a324031adb", "test": "2646ac647ad5339dbf082846283269ea"}
LARGEST = 50_000_000  # bytes of a file, unpacked; the largest has 47 million


@SOURCES.register("mnist")
class MNIST(Source):
    """MNIST in `root/MNIST/raw/{train,t10k}-images-idx3-ubyte[.gz]`; ids "00000", "00001", …

    Existing files are used unchanged; `prepare` downloads the missing ones (11 MB).

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
    Proc. IEEE 1998.

    Args:
        root: directory of the data sets.
        channels: 1 = gray; 3 repeats it.
        url: address of the folder of the two .gz files.
    """

    name = "mnist"

    def __init__(self, root: str, channels: Channels = 1, url: str = URL):
        self.root, self.channels, self.url = Path(root), channels, url.rstrip("/") + "/"
        self.folder = self.root / "MNIST" / "raw"
        self._stacks: dict[str, Tensor] = {}

    def prepare(self) -> None:
        """Download missing files.

        Raises:
            ImagingError: the download fails or its checksum is wrong, or `root` is not writable.
        """
        for split, name in FILES.items():
            url, target = f"{self.url}{name}.gz", self.folder / f"{name}.gz"
            if self._path(split) is not None:
                continue
            with locked(self.root / "MNIST", self.root, url):
                if self._path(split) is None:
                    with download(url, target, "md5", MD5[split], LARGEST, gzip.open) as part:
                        os.replace(part, target)

    def ids(self, split: str) -> list[str]:
        return [f"{index:05d}" for index in range(len(self.read_all(split)))]

    def read(self, split: str, index: int) -> Tensor:
        """Read an image: uint8 (channels, 28, 28)."""
        return self.read_all(split)[index]

    def read_all(self, split: str) -> Tensor:
        """Read all images of a split: uint8 (n, channels, 28, 28), in a cache."""
        if split not in self._stacks:
            self._stacks[split] = self._read(split)
        return self._stacks[split]

    def _read(self, split: str) -> Tensor:
        path = self._path(split)
        if path is None:
            name = f"{FILES[split]}.gz"
            raise missing(self.folder / name, self.url + name)
        try:
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (OSError, EOFError, zlib.error) as error:
            raise ImagingError(f"cannot read {path}: {error}") from error
        # IDX: magic number (0x08 = bytes, 3 dimensions), number of images, rows, columns; big-endian.
        header = np.frombuffer(data[:16], ">u4") if len(data) >= 16 else (0, 0, 0, 0)
        magic, *shape = (int(value) for value in header)
        if magic != 0x803 or len(data) != 16 + int(np.prod(shape)):
            raise ImagingError(f"cannot read {path}: not an IDX file of images, or truncated")
        images = torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, *shape[1:]).copy())
        return to_channels(images, self.channels)

    def _path(self, split: str) -> Path | None:
        plain = self.folder / FILES[split]
        return next((path for path in (plain, plain.with_name(f"{plain.name}.gz")) if path.is_file()), None)
