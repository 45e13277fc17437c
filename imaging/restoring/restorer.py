"""Restoration of photographs of any size, gray or RGB, 8 or 16 bits, with a trained network."""

from numbers import Real
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imaging.data.image_files import check_suffix
from imaging.errors import ImagingError
from imaging.formats.networks import load_network
from imaging.models.noise_level import noise_level
from imaging.physics.gray_image import read_gray
from imaging.physics.operator import LinearOperator
from imaging.restoring.borders import pad_periodic
from imaging.restoring.files import bits_of, read_photograph, write_photograph
from imaging.restoring.tiling import restore_to_floats, restore_to_integers
from imaging.tasks.reconstruction import Reconstruction, as_float

PIECE = 512  # side in pixels of the nine pieces of a large photograph from which its noise is estimated
MIN_SIDE = 64  # of an image in pixels, to estimate its noise from its spectrum


class Restorer:
    """x_hat = f(y) for photographs.

    Args:
        task: with its weights, on its device.
        config: of the run.

    Example:
        >>> denoise = imaging.load("denoiser-best-64")        # doctest: +SKIP
        >>> denoise.file("photo.jpg", "restored.png")          # doctest: +SKIP
    """

    def __init__(self, task: Reconstruction, config: dict):
        self.task, self.config = task.eval(), config
        self.channels = config["data"]["source"]["channels"]

    @property
    def trained_sigmas(self) -> tuple[float, float]:
        """The lowest and highest standard deviation of the training's noise, for intensities in [0, 1]."""
        noise = self.task.physics.noise
        low, high = sorted(self.task.sigma_of(level) for level in (noise.low, noise.high))
        return low, high

    def __call__(self, image: Tensor, sigma: float | None = None, mask: Tensor | None = None) -> Tensor:
        """Restore an image.

        Args:
            image: (1 or 3, H, W), uint8 or float in [0, 1].
            sigma: standard deviation of the noise, for intensities in [0, 1]; None: estimated, if the network
                takes it.
            mask: (H, W), 0 where a pixel is lost; only for an inpainter, which needs it.

        Returns:
            float32 (C, H, W), not clipped: of the image's shape, unless the operator changes it.

        Raises:
            ImagingError: a wrong image or sigma, a mask that is missing, unused or of another size, or a
                network whose measurements are not such images.
        """
        check_sigma(sigma)
        if not isinstance(image, Tensor):
            raise ImagingError(f"expected a tensor (1 or 3, H, W); got {type(image).__name__}")
        if image.dim() != 3 or len(image) not in (1, 3) or image.numel() == 0:
            raise ImagingError(f"expected an image (1 or 3, H, W); got {tuple(image.shape)}")
        if image.dtype != torch.uint8 and not image.is_floating_point():
            raise ImagingError(f"expected uint8 or floats in [0, 1]; got {image.dtype}")
        if self.task.takes_sigma and sigma is None:
            sigma = self.estimate_sigma(image)
        self._refuse(image)
        if len(image) == self.channels or self._operator.photograph == "mosaic":
            return self._restore(image, sigma, mask)
        if self.channels == 3:  # gray as three equal channels
            return self._restore(image.expand(3, -1, -1), sigma, mask).mean(0, keepdim=True)
        return torch.cat([self._restore(channel, sigma, mask) for channel in image[:, None]])

    @property
    def _operator(self) -> LinearOperator:
        return self.task.physics.operator

    def _refuse(self, image: Tensor) -> None:
        """Raise an ImagingError if the image cannot be a measurement of the operator."""
        name, expected = self.config["physics"]["operator"]["name"], self._operator.photograph
        if expected == "none":
            raise ImagingError(f"this network inverts {name}, whose measurements are not photographs")
        if expected == "mosaic" and len(image) != 1:
            raise ImagingError(
                f"this network inverts {name}: it expects the raw samples of a sensor, a gray image; this "
                f"image has {len(image)} channels"
            )

    def estimate_sigma(self, image: Tensor) -> float:
        """Estimate the standard deviation of the noise of an image (C, H, W), for intensities in [0, 1].

        The median over pieces of the image; see `imaging.models.noise_level`, for which fine texture counts
        as noise. A network that knows the blur gives a second estimate, and the lower one is used.

        Raises:
            ImagingError: the image is smaller than 5×5 pixels.
        """
        height, width = image.shape[-2:]
        if min(height, width) < 5:
            raise ImagingError(f"the noise of {height}×{width} pixels cannot be estimated: give sigma")
        places = [
            (slice(top, top + PIECE), slice(left, left + PIECE))
            for top in sorted({0, max(0, (height - PIECE) // 2), max(0, height - PIECE)})
            for left in sorted({0, max(0, (width - PIECE) // 2), max(0, width - PIECE)})
        ]
        return float(np.median([self._noise_level(as_float(image[(..., *place)])[None]) for place in places]))

    def _noise_level(self, piece: Tensor) -> float:
        level, network = noise_level(piece).item(), self.task.network
        if network.noise_level is None or min(piece.shape[-2:]) < max(MIN_SIDE, *network.psf.shape):
            return level
        return min(level, network.noise_level(piece, periodic=False).item())

    def file(
        self,
        image: str | Path,
        output: str | Path,
        sigma: float | None = None,
        mask: str | Path | None = None,
    ) -> str:
        """Restore a file to another file, with its bits per sample, colour profile and EXIF data.

        Args:
            image, output: the measured and the restored file.
            sigma: standard deviation of the noise, for intensities in [0, 1]; None: estimated.
            mask: an image file that is 0 where pixels are lost; only for an inpainter, which needs it.

        Returns:
            A line for the user, with the estimated noise and warnings.

        Raises:
            ImagingError: a file that cannot be read or written, equal files, or a wrong sigma or mask.
        """
        image, output = Path(image), Path(output)
        check_sigma(sigma)
        check_target(output, image)
        photograph = read_photograph(image)
        notes = [f"{image} -> {output}"]
        required = self.task.takes_sigma  # otherwise the estimate is only for the warning
        seen = self._operator.photograph == "image"
        if sigma is None and (required or min(photograph.pixels.shape[-2:]) >= 5) and seen:
            sigma = self.estimate_sigma(photograph.pixels)
            notes.append(f"noise estimated at sigma {sigma:.3f} ({255 * sigma:.1f} of 255)")
        elif sigma is not None and not self.task.takes_sigma:
            notes.append(f"this network does not take sigma: {sigma:g} has no effect")
        if sigma is not None and (warning := self._range_warning(sigma)):
            notes.append(warning)
        bits = bits_of(output, photograph.bits)
        if bits < photograph.bits:
            notes.append(f"{output.suffix[1:]} files have 8 bits per sample: 16 bits are rounded to 8")
        pixels = self._integers(photograph.pixels, bits, sigma, None if mask is None else read_mask(mask))
        write_photograph(output, pixels, photograph)
        return "; ".join(notes)

    def _range_warning(self, sigma: float) -> str:
        low, high = self.trained_sigmas
        # A homogeneous network restores an image with more noise like a darker image with less noise.
        factor = 3 if self.task.network.homogeneous else 1.3
        if low / factor <= sigma <= high * factor:
            return ""
        sigmas = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        return f"the network was trained on sigma {sigmas}: the result may be worse"

    def _integers(self, pixels: Tensor, bits: int, sigma: float | None, mask: Tensor | None) -> np.ndarray:
        plain = self._operator.photograph == "image" and mask is None
        if len(pixels) == self.channels and plain and self._in_tiles:
            return restore_to_integers(self.task, pixels, bits, sigma=sigma)
        restored = self(pixels, sigma, mask).clamp_(0, 1)
        return restored.mul_(2**bits - 1).round_().numpy().astype({8: np.uint8, 16: np.uint16}[bits])

    @property
    def _in_tiles(self) -> bool:
        """Whether each pixel depends only on its neighbourhood, so that an image can be restored in tiles."""
        denoises = self.config["physics"]["operator"]["name"] == "identity"
        return self.task.network.reach is not None or denoises

    def _restore(self, y: Tensor, sigma: float | None, mask: Tensor | None) -> Tensor:
        if self._operator.photograph == "image and mask":
            return self._inpaint(y, sigma, mask)
        if mask is not None:
            raise ImagingError("mask is for a network that inpaints; this one was trained on "
                               f"{self.config['physics']['operator']['name']}")  # fmt: skip
        if not self._operator.keeps_shape:
            y = self.task.normalise(as_float(y.to(self.task.device))[None])
            with torch.no_grad():  # not inference mode, whose tensors the caller could not change
                return self._operator.visible(self.task.restore(y, sigma))[0].cpu()
        if self._in_tiles:
            return restore_to_floats(self.task, y, sigma=sigma)
        psf = self._operator.psf
        padded, inner = pad_periodic(as_float(y), 32 if psf is None else 4 * max(psf.shape))
        return restore_to_floats(self.task, padded, sigma=sigma)[(..., *inner)]

    def _inpaint(self, y: Tensor, sigma: float | None, mask: Tensor | None) -> Tensor:
        if mask is None:
            raise ImagingError("this network fills in lost pixels: give a mask, an image that is 0 there")
        if mask.shape != y.shape[-2:]:
            sizes = (" x ".join(map(str, shape)) for shape in (mask.shape, y.shape[-2:]))
            raise ImagingError("the mask is {}, but the image is {}".format(*sizes))
        mask, intensities = mask.to(y.device) != 0, as_float(y)
        # A lost pixel is 0 in the network's units, as in training.
        lost = self.task.denormalise(torch.zeros(()))
        restored = restore_to_floats(self.task, torch.where(mask, intensities, lost), sigma=sigma).to(
            y.device
        )
        return torch.where(mask, intensities, restored) if not self.trained_sigmas[1] else restored


def load(name: str | Path, device: str = "auto", psf: dict | None = None) -> Restorer:
    """Load a trained network that restores photographs.

    Args:
        name: a network that ships with the project, such as `denoiser-best-64`; or the path of a checkpoint,
            a safetensors file or a run directory.
        device: auto, cpu, cuda, …
        psf: replaces the psf of the training; a config for `imaging.physics.make_psf`.

    Raises:
        ImagingError: an unknown name, an unreadable or modified file, a device that is not available, or a
            psf for a network that does not take one.
    """
    return Restorer(*load_network(name, device, psf))


def read_mask(path: str | Path) -> Tensor:
    """Read a mask image: float32 (H, W), 1 where it is brighter than half its maximum, else 0.

    The threshold is for JPEG files, which blur the edges of a mask.

    Raises:
        ImagingError: the file is not an image, or is black.
    """
    gray = read_gray(str(path), "mask")
    if not gray.max() > 0:
        raise ImagingError(f"mask: {path} is black; expected 0 only where pixels are lost")
    return (gray > gray.max() / 2).float()


def check_sigma(sigma: float | None) -> None:
    """Check that sigma is None or a standard deviation for intensities in [0, 1].

    Raises:
        ImagingError: it is not a number from 0 to 1.
    """
    number = isinstance(sigma, Real) and not isinstance(sigma, bool)
    if sigma is not None and not (number and 0 <= sigma <= 1):
        raise ImagingError(
            f"sigma is {sigma!r}; expected a number from 0 to 1, for intensities in [0, 1] (25/255 is 0.098)"
        )


def check_target(path: Path, source: Path) -> None:
    """Check the path of an output file.

    Raises:
        ImagingError: an unsupported suffix, or the output is the image itself.
    """
    check_suffix(path)
    if path.exists() and source.exists() and path.samefile(source):
        raise ImagingError(f"the output is the image itself, {source}; choose another name")
