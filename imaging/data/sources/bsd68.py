"""BSD68, the 68 gray photographs of the denoising literature."""

from pathlib import Path

from imaging.data import SOURCES
from imaging.data.sources.folder import Folder
from imaging.errors import ImagingError
from imaging.images.reading import Channels


@SOURCES.register("bsd68")
class BSD68(Folder):
    """BSD68 in `root/BSD68/*.png`, 321×481 or 481×321 gray pixels; test images only.

    Source: Roth and Black, "Fields of experts", IJCV 2009: 68 of the Berkeley data set's test images, gray.

    Args:
        root: directory of the data sets.
        channels: 1 = gray; 3 repeats it.
    """

    name = "bsd68"

    def __init__(self, root: str, channels: Channels = 1):
        self.folder = Path(root) / "BSD68"
        super().__init__(test=str(self.folder), channels=channels)

    def _list(self, split: str) -> list[Path]:
        if split == "train":
            raise ImagingError("data=bsd68 has no training images: use it with evaluate.py")
        if not self.folder.is_dir():  # there is no stable address to download them from
            raise ImagingError(
                f"there is no {self.folder}: put the 68 PNG images there (many denoising repositories have "
                "them as testsets/BSD68), or set IMAGING_DATA to the directory that holds BSD68"
            )
        return super()._list(split)
