"""The photographs inside the scikit-image wheel: no download, so that everything runs at once."""

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.image_files import Channels, read_image
from imaging.data.source import Source
from imaging.errors import ImagingError

# Fixed for good: results on "bundled" compare only while the split stays as it is. Training: the colour
# photographs, the two everyday scenes first, so that a held-out tail takes a microscope image and not them.
# motorcycle_right shows the same scene as motorcycle_left from 19 cm beside; both are on the training side.
# Not used: charts and drawings, and the wheel's gray images, which would teach that channels agree.
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
        """Raises ImagingError where the installed scikit-image lacks the files."""
        for split in SPLITS:
            for index in range(len(SPLITS[split])):
                self._path(split, index)

    def ids(self, split: str) -> list[str]:
        return [Path(name).stem for name in SPLITS[split]]

    def read(self, split: str, index: int) -> Tensor:
        """uint8 (channels, H, W)."""
        return read_image(self._path(split, index), self.channels)

    def _path(self, split: str, index: int) -> Path:
        spec = find_spec("skimage")  # finds the package without importing it
        folder = Path(spec.submodule_search_locations[0] if spec else "skimage") / "data"
        path = folder / SPLITS[split][index]
        if not path.is_file():
            raise ImagingError(
                f"the bundled photograph {path.name} is not in {folder}: install the scikit-image wheel "
                "(pip install --force-reinstall scikit-image), or choose another data set"
            )
        return path
