"""The photographs in the scikit-image wheel, which need no download."""

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.source import Source
from imaging.errors import ImagingError
from imaging.images.reading import Channels, read_image

# Do not change: results on "bundled" are comparable only with the same split. Training: the colour
# photographs, everyday scenes first, so that the images held out at the end are microscope images.
# motorcycle_right shows the scene of motorcycle_left from 19 cm beside it, so both are in training.
# Excluded: charts, drawings and the wheel's gray images, whose equal channels would bias the training.
SPLITS = {
    "train": (
        "astronaut.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "hubble_deep_field.jpg",
        "retina.jpg",
        "ihc.png",
    ),
    "test": ("chelsea.png", "coffee.png", "rocket.jpg"),
}


@SOURCES.register("bundled")
class Bundled(Source):
    """Six training and three test photographs of scikit-image.

    Args:
        channels: 3 = RGB, 1 = gray.
    """

    name = "bundled"

    def __init__(self, channels: Channels = 3):
        self.channels = channels

    def prepare(self) -> None:
        """Check that the installed scikit-image has the files; raise ImagingError if not."""
        for split in SPLITS:
            for index in range(len(SPLITS[split])):
                self._path(split, index)

    def ids(self, split: str) -> list[str]:
        return [Path(name).stem for name in SPLITS[split]]

    def read(self, split: str, index: int) -> Tensor:
        """Read an image: uint8 (channels, H, W)."""
        return read_image(self._path(split, index), self.channels)

    def _path(self, split: str, index: int) -> Path:
        spec = find_spec("skimage")  # without importing the package
        folder = Path(spec.submodule_search_locations[0] if spec else "skimage") / "data"
        path = folder / SPLITS[split][index]
        if not path.is_file():
            raise ImagingError(
                f"the bundled photograph {path.name} is not in {folder}: install the scikit-image wheel "
                "(pip install --force-reinstall scikit-image), or choose another data set"
            )
        return path
