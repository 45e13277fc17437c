"""Maps of the expected error of denoised images, and their calibration."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.files import write_atomically

AROUND = 7  # side in pixels of the squares over which magnitudes are averaged, twice
CALIBRATION = "error_map"  # in the metadata of a safetensors file


@dataclass(frozen=True)
class Calibration:
    """The error that 90 % of the pixels with an expected magnitude do not exceed, on images held out.

    A split-conformal bound for each of several bins of the magnitude: Vovk, Gammerman and Shafer,
    "Algorithmic learning in a random world", 2005. For an image of another kind it may be wrong.

    Args:
        sigmas: of the noise, ascending; the bounds between them are interpolated in log(sigma).
        edges: for each sigma, those of the bins, magnitude / sigma, ascending.
        factors: for each sigma, error / magnitude of each bin, one more than the edges.

    Raises:
        ImagingError: the numbers do not fit.
    """

    sigmas: list[float]
    edges: list[list[float]]
    factors: list[list[float]]

    def __post_init__(self):
        rows = zip(self.edges, self.factors, strict=False)
        fits = all(e == sorted(e) and len(f) == len(e) + 1 and min(f) > 0 for e, f in rows)
        numbers = 0 < len(self.sigmas) == len(self.edges) == len(self.factors)
        if not (fits and numbers and self.sigmas == sorted(self.sigmas) and self.sigmas[0] > 0):
            raise ImagingError("the calibration of the error maps is damaged")

    def bound(self, magnitude: Tensor, sigma: float) -> Tensor:
        """The error that is not exceeded in 90 % of the pixels, float32 (H, W).

        Args:
            magnitude: of `expected_magnitude`, (H, W).
            sigma: standard deviation of the noise.
        """
        logarithms = np.log(self.sigmas)
        position = float(np.interp(math.log(sigma), logarithms, range(len(logarithms))))
        low, part = int(position), position % 1
        bound = (1 - part) * self._at(low, magnitude, sigma)
        if part:
            bound += part * self._at(low + 1, magnitude, sigma)
        return bound.float()

    def _at(self, row: int, magnitude: Tensor, sigma: float) -> Tensor:
        edges, factors = (magnitude.new_tensor(values[row]) for values in (self.edges, self.factors))
        return magnitude * factors[torch.bucketize(magnitude / sigma, edges)]

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """Read what `to_json` wrote.

        Raises:
            ImagingError: it is something else.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            raise ImagingError("the calibration of the error maps is damaged") from None


# The 90 % quantile of |e| for e from N(0, 1), for networks that were not calibrated.
NORMAL = Calibration([1.0], [[]], [[1.645]])


def expected_magnitude(responses: Tensor, sigma: float, mse: float) -> Tensor:
    """The expected root-mean-square error of each pixel over its channels, (H, W).

    For x_hat = E[x | y], the variance of x_i given y is sigma² J_ii, with J the Jacobian of x_hat: Manor and
    Michaeli, "On the posterior distribution in denoising", ICLR 2024, theorem 1. It is averaged over a
    neighbourhood, and scaled so that its mean is the expected mean squared error of the image.

    Args:
        responses: estimates of J_ii, (C, H, W).
        sigma: standard deviation of the noise.
        mse: the expected mean squared error of the image, above 0.
    """
    mean = responses.mean(0)[None, None]
    for _ in range(2):
        mean = F.avg_pool2d(mean, AROUND, 1, AROUND // 2, count_include_pad=False)
    variance = sigma**2 * mean[0, 0].clamp_min(1e-3)
    return (variance * (mse / variance.mean())).sqrt()


def check_map_path(path: Path, *others: Path) -> None:
    """Check the path of a map.

    Raises:
        ImagingError: an unsupported suffix, or the file of another image.
    """
    if path.suffix.lower() not in (".png", ".npy"):
        raise ImagingError(f"the error map is {path}; expected a name that ends in .png or .npy")
    if path.is_dir():
        raise ImagingError(f"the error map is {path}, which is a directory; expected the name of a file")
    if path.absolute() in [other.absolute() for other in others]:
        raise ImagingError(f"the error map is {path}, which is one of the images; choose another name")


def write_map(path: Path, bound: Tensor, doubtful: bool = False) -> str:
    """Write a map of errors as a picture, or as numbers.

    Args:
        path: .npy: float32 (H, W), in intensities; .png: from black, no error, to bright yellow, the largest
            value but for one pixel in 200.
        bound: errors, (H, W).

    Returns:
        A line for the user.
    """
    from matplotlib import colormaps
    from PIL import Image

    values, scale = bound.numpy(), ""
    if path.suffix.lower() == ".png":
        largest = float(np.quantile(values, 0.995)) or 1.0
        scale = f" (black 0, yellow {largest:.3f})"
        colours = colormaps["inferno"](np.clip(values / largest, 0, 1))[..., :3]
        picture = Image.fromarray((255 * colours).round().astype(np.uint8))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: picture.save(file, "PNG") if scale else np.save(file, values))
    except OSError as error:
        raise ImagingError(f"cannot write {path}: {error.strerror}") from None
    text = f"errors of 90 % of the pixels are below those in {path}{scale}"
    return f"if these doubts are unfounded, {text}" if doubtful else text
