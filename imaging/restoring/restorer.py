"""A trained network for one's own pictures: any size, gray or RGB, 8 or 16 bits."""

from numbers import Real
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imaging.data.image_files import check_suffix
from imaging.errors import ImagingError
from imaging.evaluation.tiling import restore, restore_to_integers
from imaging.formats.networks import load_network
from imaging.models.noise_level import noise_level
from imaging.physics.gray_image import read_gray
from imaging.restoring.borders import continued
from imaging.restoring.files import Photograph, bits_of, read_photograph, write_photograph
from imaging.tasks.reconstruction import Reconstruction, as_float

SEEN = 512  # side of the nine pieces of a large photograph in which its noise is looked for
ENOUGH = 64  # pixels a side for a spectrum to tell anything


class Restorer:
    """x_hat = f(y) for photographs.

    Args:
        task: with its weights, on its device.
        config: the run's.

    Example:
        >>> denoise = imaging.load("denoiser-best-64")        # doctest: +SKIP
        >>> denoise.file("photo.jpg", "restored.png")          # doctest: +SKIP
    """

    def __init__(self, task: Reconstruction, config: dict):
        self.task, self.config = task.eval(), config
        self.channels = config["data"]["source"]["channels"]

    @property
    def trained_sigmas(self) -> tuple[float, float]:
        noise = self.task.physics.noise
        return noise.low, noise.high

    def __call__(self, image: Tensor, sigma: float | None = None, mask: Tensor | None = None) -> Tensor:
        """The restored image, float32 like the measured one, not clipped.

        Args:
            image: (1 or 3, H, W), uint8 or float in [0, 1].
            sigma: standard deviation of its noise, of intensities in [0, 1]; None: estimated, if the network
                needs it.
            mask: (H, W), 0 where a pixel is lost; for an inpainter.

        Raises:
            ImagingError: a mask that is missing, of no use, or of another size; a sigma that is none.
        """
        check_sigma(sigma)
        if not isinstance(image, Tensor):
            raise ImagingError(f"expected a tensor (1 or 3, H, W); got {type(image).__name__}")
        if image.dim() != 3 or len(image) not in (1, 3) or image.numel() == 0:
            raise ImagingError(f"expected an image (1 or 3, H, W); got {tuple(image.shape)}")
        if image.dtype != torch.uint8 and not image.is_floating_point():
            raise ImagingError(f"expected uint8 or floats in [0, 1]; got {image.dtype}")
        y = self._channels_in(image)
        if self.task.takes_sigma and sigma is None:
            sigma = self.estimate_sigma(image)
        restored = [self._restore(one, sigma, mask) for one in y]
        return self._channels_out(restored, len(image))

    def estimate_sigma(self, image: Tensor) -> float:
        """The noise of (C, H, W), seen from the image alone; see `imaging.models.noise_level`.

        That takes fine texture for noise; a network that knows the blur takes what the blur let pass.
        """
        height, width = image.shape[-2:]
        if min(height, width) < 5:
            raise ImagingError(f"the noise of {height}×{width} pixels cannot be estimated: give sigma")
        places = [
            (slice(top, top + SEEN), slice(left, left + SEEN))
            for top in sorted({0, max(0, (height - SEEN) // 2), max(0, height - SEEN)})
            for left in sorted({0, max(0, (width - SEEN) // 2), max(0, width - SEEN)})
        ]
        return float(np.median([self._noise_level(as_float(image[(..., *place)])[None]) for place in places]))

    def _noise_level(self, piece: Tensor) -> float:
        level, network = noise_level(piece).item(), self.task.network
        if network.noise_level is None or min(piece.shape[-2:]) < max(ENOUGH, *network.psf.shape):
            return level
        return min(level, network.noise_level(piece, periodic=False).item())

    def file(
        self,
        image: str | Path,
        output: str | Path,
        sigma: float | None = None,
        mask: str | Path | None = None,
    ) -> str:
        """Restore a file into another, with its bits, colour profile and camera's notes.

        Returns:
            what is to be told of it, a line.

        Raises:
            ImagingError: a file that cannot be read or written, or is the same; see `__call__`.
        """
        image, output = Path(image), Path(output)
        check_sigma(sigma)
        refuse_target(output, image)
        photograph = read_photograph(image)
        told = [f"{image} -> {output}"]
        enough = self.task.takes_sigma or min(photograph.pixels.shape[-2:]) >= 5  # else it may do without
        if sigma is None and enough and not self._is("mask"):
            sigma = self.estimate_sigma(photograph.pixels)
            told.append(f"noise estimated at sigma {sigma:.3f} ({255 * sigma:.1f} of 255)")
        elif sigma is not None and not self.task.takes_sigma:
            told.append(f"this network does not take sigma: {sigma:g} has no effect")
        if sigma is not None:
            told += self._beyond(sigma)
        bits = bits_of(output, photograph.bits)
        if bits < photograph.bits:
            told.append(f"{output.suffix[1:]} files have 8 bits a sample, so that of 16 the lower 8 are lost")
        kept = None if mask is None else read_mask(mask)
        write_photograph(output, self._integers(photograph, bits, sigma, kept), photograph)
        return "; ".join(told)

    def _beyond(self, sigma: float) -> list[str]:
        low, high = self.trained_sigmas
        # One that is homogeneous does to a brighter image what it does to a darker one with less noise.
        more = 3 if self.task.network.homogeneous else 1.3
        if low / more <= sigma <= high * more:
            return []
        trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        return [f"the network was trained on sigma {trained}: the result may be worse"]

    def _integers(
        self, photograph: Photograph, bits: int, sigma: float | None, mask: Tensor | None
    ) -> np.ndarray:
        pixels = photograph.pixels
        if len(pixels) == self.channels and not self._is("mask") and mask is None and self._in_tiles:
            return restore_to_integers(self.task, pixels, bits, sigma=sigma)
        restored = self(pixels, sigma, mask).clamp_(0, 1)
        return restored.mul_(2**bits - 1).round_().numpy().astype({8: np.uint8, 16: np.uint16}[bits])

    def _channels_in(self, image: Tensor) -> list[Tensor]:
        """What the network takes: gray as three equal channels, or RGB as three gray images."""
        if len(image) == self.channels:
            return [image]
        return [image.expand(3, -1, -1)] if self.channels == 3 else list(image[:, None])

    def _channels_out(self, restored: list[Tensor], channels: int) -> Tensor:
        if self.channels == 3 and channels == 1:
            return restored[0].mean(0, keepdim=True)
        return torch.cat(restored)

    @property
    def _in_tiles(self) -> bool:
        """Whether distant pixels have no influence, so that the image can be restored in tiles."""
        return self.task.network.reach is not None or self._is("identity")

    def _is(self, operator: str) -> bool:
        return self.config["physics"]["operator"]["name"] == operator

    def _restore(self, y: Tensor, sigma: float | None, mask: Tensor | None) -> Tensor:
        if self._is("mask"):
            return self._inpaint(y, sigma, mask)
        if mask is not None:
            raise ImagingError("mask is for a network that inpaints; this one was trained on "
                               f"{self.config['physics']['operator']['name']}")  # fmt: skip
        if self._in_tiles:
            return restore(self.task, y, sigma=sigma)
        wide, inner = continued(as_float(y), self._margin())
        return restore(self.task, wide, sigma=sigma)[(..., *inner)]

    def _margin(self) -> int:
        psf = self.task.physics.operator.psf
        return 32 if psf is None else 4 * max(psf.shape)

    def _inpaint(self, y: Tensor, sigma: float | None, mask: Tensor | None) -> Tensor:
        if mask is None:
            raise ImagingError("this network fills in lost pixels: give a mask, an image that is 0 there")
        if mask.shape != y.shape[-2:]:
            sizes = (" x ".join(map(str, shape)) for shape in (mask.shape, y.shape[-2:]))
            raise ImagingError("the mask is {}, but the image is {}".format(*sizes))
        kept = mask.to(y.device) != 0
        intensities = as_float(y)
        # A lost pixel is 0 in the network's units, as in training.
        lost = self.task.denormalise(torch.zeros(()))
        restored = restore(self.task, torch.where(kept, intensities, lost), sigma=sigma).to(y.device)
        return torch.where(kept, intensities, restored) if not self.trained_sigmas[1] else restored


def load(name: str | Path, device: str = "auto", psf: dict | None = None) -> Restorer:
    """Load a trained network that restores photographs.

    Args:
        name: of weights that ship, as `denoiser-best-64`; or a checkpoint, a safetensors file, a run's
            directory.
        device: auto, cpu, cuda, …
        psf: what `imaging.physics.make_psf` takes, in place of the one it was trained with.

    Raises:
        ImagingError: nothing of that name, a file that cannot be read or is not the one that was shipped, a
            device that is not here, or a psf for a network that knows only the one it was trained on.
    """
    return Restorer(*load_network(name, device, psf))


def read_mask(path: str | Path) -> Tensor:
    """float32 (H, W): 0 where a mask image is darker than half its brightest pixel, else 1.

    So that a JPEG, which blurs its edges, is read as it is meant.

    Raises:
        ImagingError: no image, or one of which no pixel is kept.
    """
    gray = read_gray(str(path), "mask")
    if not gray.max() > 0:
        raise ImagingError(f"mask: {path} is black, so that no pixel is kept")
    return (gray > gray.max() / 2).float()


def check_sigma(sigma: float | None) -> None:
    """Refuse what is not the standard deviation of noise in intensities, NaN and 25 (of 255) among it.

    Raises:
        ImagingError: as it says.
    """
    number = isinstance(sigma, Real) and not isinstance(sigma, bool)
    if sigma is not None and not (number and 0 <= sigma <= 1):
        raise ImagingError(
            f"sigma is {sigma!r}; expected that of the noise, of intensities in [0, 1]: 25 of 255 is 0.098"
        )


def refuse_target(path: Path, source: Path) -> None:
    """Refuse the name of an output that says no format, or is the image itself.

    Raises:
        ImagingError: as it says.
    """
    check_suffix(path)
    if path.exists() and source.exists() and path.samefile(source):
        raise ImagingError(f"the output is the image itself, {source}; choose another name")
