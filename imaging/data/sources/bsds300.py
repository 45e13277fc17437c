"""The Berkeley segmentation data set's 300 photographs: 200 to train on, 100 to test on."""

import os
import shutil
from pathlib import Path

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.image_files import Channels, read_image
from imaging.data.source import Source
from imaging.data.sources.download import fetched, locked, missing, unpack
from imaging.data.sources.folder import distinct_ids
from imaging.errors import ImagingError

URL = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/BSDS300-images.tgz"
SHA256 = "a5f7d0e49fe135c75518a3543ced24470156fd69305ae77845dff2a5138652b4"


@SOURCES.register("bsds300")
class BSDS300(Source):
    """BSDS300 under `root/BSDS300/images/{train,test}/*.jpg`, 321×481 or 481×321 pixels.

    Images that already lie there are used as they are; else `prepare` downloads the archive (22 MB).

    Source: Martin, Fowlkes, Tal, Malik, "A database of human segmented natural images", ICCV 2001.

    Args:
        root: where the data sets lie.
        channels: 3 = RGB, 1 = gray.
        url: where to download from; whatever it sends must be the official archive.
    """

    name = "bsds300"

    def __init__(self, root: str, channels: Channels = 3, url: str = URL):
        self.root, self.channels, self.url = Path(root), channels, url
        self.folder = self.root / "BSDS300" / "images"
        self._listed: dict[str, list[Path]] = {}

    def prepare(self) -> None:
        """Download the images where they are missing.

        Raises:
            ImagingError: no network and no data, wrong bytes, or nothing can be written under `root`.
        """
        if self._present():
            return
        archive, unpacked = self.root / "BSDS300-images.tgz", self.root / ".BSDS300.unpacking"
        with locked(self.root / "BSDS300", self.root, self.url):
            if self._present():  # another process was quicker
                return
            if self.folder.exists():
                raise ImagingError(f"{self.folder} lacks its train or test images: remove or complete it")
            with fetched(self.url, archive, "sha256", SHA256) as verified:
                try:
                    unpack(verified, unpacked)
                    self.folder.parent.mkdir(exist_ok=True)
                    os.replace(unpacked / "BSDS300" / "images", self.folder)
                except OSError as error:
                    raise missing(self.folder, self.url, f"and cannot be put there: {error}") from error
                finally:
                    shutil.rmtree(unpacked, ignore_errors=True)

    def ids(self, split: str) -> list[str]:
        """The file names without extension, sorted as text."""
        return distinct_ids([Path(path.name) for path in self._paths(split)])

    def read(self, split: str, index: int) -> Tensor:
        """uint8 (channels, H, W)."""
        return read_image(self._paths(split)[index], self.channels)

    def _present(self) -> bool:
        return all(any((self.folder / split).glob("*.jpg")) for split in ("train", "test"))

    def _paths(self, split: str) -> list[Path]:
        if split not in self._listed:
            paths = sorted((self.folder / split).glob("*.jpg"))
            if not paths:
                raise missing(self.folder / split, self.url)
            self._listed[split] = paths
        return self._listed[split]
