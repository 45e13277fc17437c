"""The protocol of a test: its noise, and how the quality is measured."""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from imaging.data import SOURCES
from imaging.errors import ImagingError
from imaging.evaluation.statistics.factors import LEVELS
from imaging.metrics import CONVENTION, Convention
from imaging.physics.measurement import build_noise
from imaging.physics.noise import Noise
from imaging.quality import EXPECTED, NAMES
from imaging.registry import checked
from imaging.settings import NotNegative, at_least, check, list_of, within


@dataclass(frozen=True)
class Protocol:
    """The noise of a test, and how its PSNR is computed.

    Args:
        data: name of the data set, which seeds the noise and is a column of the records.
        levels: of the noise, e.g. standard deviations for intensities in [0, 1], where 0 means no noise.
        noise_seeds: number of draws of the noise for each image and level.
        pixel: row and column in the first image, for `imaging.evaluation.linear_view`; None: the strongest
            edge.
        convention: a name of `imaging.metrics.CONVENTIONS`.
        level: the name of the level: see `imaging.physics.noise.Noise`.
        clean: whether the test images are clean; else they are measurements, with the noise of the one level.
        pairs: whether they are pairs of measurements.

    Raises:
        ImagingError: an argument is invalid.
    """

    data: str
    levels: tuple
    noise_seeds: Annotated[int, within(1, 10_000)] = 1
    pixel: Annotated[tuple, list_of("[row, column]", Annotated[int, at_least(0)], length=2)] | None = None
    convention: Convention = CONVENTION
    level: str = "sigma"
    clean: bool = True
    pairs: bool = False

    @classmethod
    def of(cls, config: dict, **changed) -> "Protocol":
        """The protocol of a run's config, with the settings in `changed` that are not None."""
        test = config["test"] | {key: value for key, value in changed.items() if value is not None}
        pixel = test.get("pixel")  # configs of earlier versions do not have it
        pixel = tuple(pixel) if isinstance(pixel, list) else pixel
        noise, clean = build_noise(config["physics"]["noise"]), config["data"].get("clean", True)
        level = noise.level
        levels = _levels(config, level, changed) if clean else [_measured_level(noise, changed)]
        check("test.examples", test["examples"], Annotated[int, at_least(0)])
        check("test.examples_sigma", test["examples_sigma"], NotNegative)
        convention = test.get("convention", CONVENTION)
        data = config["data"]["source"]["name"]
        seeds = test["noise_seeds"] if clean else 1
        pairs = not clean and SOURCES.find(data).pairs
        protocol = cls(data, tuple(levels), seeds, pixel, convention, level, clean, pairs)
        for value in protocol.levels:
            noise.range_of(value, f"test.{level}s")
        return protocol

    def __post_init__(self):
        example = "[0.05,0.1]" if self.level == "sigma" else "[10,100]"
        levels = list_of(f"numbers >= 0, e.g. {self.level}s={example}", NotNegative, least=1)
        check(f"{self.level}s", self.levels, Annotated[tuple, levels])
        if len(set(self.levels)) < len(self.levels):
            raise ImagingError(f"{self.level}s is {list(self.levels)}; expected each value once")

    @property
    def quality(self) -> str:
        """The name of the quality in metrics: psnr or expected_psnr."""
        return NAMES[not self.clean]

    @property
    def recorded(self) -> str:
        """The convention in the records."""
        return self.convention if self.clean else EXPECTED

    def check_pixel(self, image: Tensor) -> None:
        """Raise an ImagingError if the pixel is outside the first test image (C, H, W)."""
        (height, width), pixel = image.shape[-2:], self.pixel
        if pixel is not None and not (pixel[0] < height and pixel[1] < width):
            raise ImagingError(
                f"test.pixel is {list(pixel)}; expected a row below {height} and a column below {width}"
            )


checked("", Protocol)


def _measured_level(noise: Noise, changed: dict) -> float:
    """The level of the noise that images without clean ones have.

    Raises:
        ImagingError: it is not one number.
    """
    plural = f"{noise.level}s"
    values = changed.get(plural)
    if values is None and noise.low == noise.high:
        return noise.low
    values = values if isinstance(values, list) else [values]
    if values == [None]:
        raise ImagingError(
            f"data.clean=false: physics.noise.{noise.level} is [{noise.low:g}, {noise.high:g}]; expected one "
            f"number, that of the images' noise (imaging noise FILES estimates it; in evaluate.py, {plural}=)"
        )
    if len(values) != 1:
        raise ImagingError(f"{plural} is {values}; expected one number: the images have noise already")
    return values[0]


def _levels(config: dict, level: str, changed: dict) -> list:
    """The noise levels of a test, by the plural of their name: `test.sigmas`, `test.peaks`.

    Raises:
        ImagingError: they are missing, or levels of another noise are asked for.
    """
    plural, test = f"{level}s", config["test"]
    for key in (f"{other}s" for other in LEVELS):
        if key != plural and changed.get(key) is not None and changed.get(plural) is None:
            raise ImagingError(
                f"{key} is not for a run whose noise has a {level}: set {plural}=[…] (or both)"
            )
    levels = test.get(plural) if changed.get(plural) is None else changed[plural]
    if levels is None:
        raise ImagingError(f"a test with this noise needs test.{plural}, e.g. +test.{plural}=[…]")
    return levels if isinstance(levels, list) else [levels]
