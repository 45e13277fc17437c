"""BSDS300, the Berkeley segmentation data set: 200 training and 100 test photographs."""

import os
import shutil
from pathlib import Path

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.source import Source
from imaging.data.sources.download import download, locked, missing, unpack
from imaging.data.sources.folder import distinct_ids
from imaging.errors import ImagingError
from imaging.images.reading import Channels, read_image

URL = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/BSDS300-images.tgz"
SHA256 = "a5f7d0e49fe135c75518a3543ced24470156fd69305ae77845dff2a5138652b4"
LARGEST = 50_000_000  # bytes; the official archive has 22 million


@SOURCES.register("bsds300")
class BSDS300(Source):
    """BSDS300 in `root/BSDS300/images/{train,test}/*.jpg`, 321×481 or 481×321 pixels.

    Existing images are used unchanged; if there are none, `prepare` downloads the archive (22 MB).

    Source: Martin, Fowlkes, Tal, Malik, "A database of human segmented natural images", ICCV 2001.

    Args:
        root: directory of the data sets.
        channels: 3 = RGB, 1 = gray.
        url: address of the official archive, or of a mirror.
    """

    name = "bsds300"

    def __init__(self, root: str, channels: Channels = 3, url: str = URL):
        self.root, self.channels, self.url = Path(root), channels, url
        self.folder = self.root / "BSDS300" / "images"
        self._files: dict[str, list[Path]] = {}

    def prepare(self) -> None:
        """Download the images if they are missing.

        Raises:
            ImagingError: the download fails or its checksum is wrong, or `root` is not writable.
        """
        if self._is_present():
            return
        archive, folder = self.root / "BSDS300-images.tgz", self.root / ".BSDS300.unpacking"
        with locked(self.root / "BSDS300", self.root, self.url):
            if self._is_present():  # another process has downloaded it
                return
            if self.folder.exists():
                raise ImagingError(f"{self.folder} lacks its train or test images: remove or complete it")
            with download(self.url, archive, "sha256", SHA256, LARGEST) as part:
                try:
                    unpack(part, folder)
                    self.folder.parent.mkdir(exist_ok=True)
                    os.replace(folder / "BSDS300" / "images", self.folder)
                except OSError as error:
                    raise missing(self.folder, self.url, f"unpacking failed: {error}") from error
                finally:
                    shutil.rmtree(folder, ignore_errors=True)

    def ids(self, split: str) -> list[str]:
        """The file names without extension, sorted as text."""
        return distinct_ids([Path(path.name) for path in self._paths(split)])

    def read(self, split: str, index: int) -> Tensor:
        """Read an image: uint8 (channels, H, W)."""
        return read_image(self._paths(split)[index], self.channels)

    def _is_present(self) -> bool:
        return all(any((self.folder / split).glob("*.jpg")) for split in ("train", "test"))

    def _paths(self, split: str) -> list[Path]:
        if split not in self._files:
            paths = sorted((self.folder / split).glob("*.jpg"))
            if not paths:
                raise missing(self.folder / split, self.url)
            self._files[split] = paths
        return self._files[split]
