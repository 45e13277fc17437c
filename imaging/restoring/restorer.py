"""Restoration of photographs of any size, gray or RGB, 8 or 16 bits, with a trained network."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.formats.networks import find_network, load_network
from imaging.formats.weights import read_metadata
from imaging.models.noise_level import refuse_estimate
from imaging.physics.boundaries import fill
from imaging.physics.measurement import Physics
from imaging.physics.operator import LinearOperator
from imaging.physics.operators.blur import Blur, crop
from imaging.physics.operators.mask import Mask
from imaging.restoring.checks import (
    check_images,
    check_sigma,
    refuse_measurements,
)
from imaging.restoring.deconvolution import check_psf, deconvolve
from imaging.restoring.error_map import CALIBRATION, Calibration
from imaging.restoring.estimation import Border, estimate_sigma, estimate_sigmas
from imaging.restoring.expected_error import restore_with_error
from imaging.restoring.photographs import restore_file
from imaging.restoring.tiling import SIDE, restore_to_floats
from imaging.settings import check
from imaging.tasks.reconstruction import Reconstruction, as_float


class Restorer:
    """x_hat = f(y) for photographs and other measurements.

    Args:
        task: with its weights, on its device.
        config: of the run.
        calibration: of the error maps, if there is one.

    Attributes:
        doubts: what does not fit in the last deconvolution; see `imaging.restoring.deconvolution`.

    Examples:
        >>> denoise = imaging.load("denoiser-best-64")        # doctest: +SKIP
        >>> denoise.file("photo.jpg", "restored.png")          # doctest: +SKIP
    """

    def __init__(
        self,
        task: Reconstruction,
        config: dict,
        calibration: Calibration | None = None,
        has_psf: bool = False,
    ):
        self.task, self.config = task.eval().requires_grad_(False), config
        # A network for any blur has no psf of its own.
        self.has_psf = has_psf or not task.physics.operator.is_random
        self.calibration = calibration
        self.doubts: list[str] = []
        self.channels = config["data"]["source"]["channels"]

    @property
    def physics(self) -> Physics:
        """The operator and the noise of the training, on the network's device."""
        return self.task.physics

    @property
    def trained_sigmas(self) -> tuple[float, float]:
        """The lowest and highest standard deviation of the training's noise, for intensities in [0, 1]."""
        noise = self.task.physics.noise
        low, high = sorted(self.task.sigma_of(level) for level in (noise.low, noise.high))
        return low, high

    def __call__(
        self,
        y: Tensor,
        sigma: float | Tensor | None = None,
        mask: Tensor | None = None,
        psf: dict | Tensor | None = None,
        boundary: Border | None = None,
    ) -> Tensor:
        """Restore an image or a batch of images.

        The result can be differentiated with respect to y if y requires a gradient.

        Args:
            y: (C, H, W) or (N, C, H, W) with C 1 or 3, uint8 or float in [0, 1], on any device.
            sigma: standard deviation of the noise, for intensities in [0, 1], or a tensor with that of each
                image; None: estimated, if the network takes it.
            mask: (H, W), 0 where a pixel is lost; only for an inpainter, which needs it.
            psf: the blur, a config or a tensor for `imaging.physics.make_psf`, for a network that is told
                it; None: that of its config.
            boundary: only for deconvolution: "unknown" as of a photograph, the default, or "circular" for
                periodic images.

        Returns:
            float32 with as many dimensions as y, on y's device, not clipped: of y's shape, unless the
            operator changes it.

        Raises:
            ImagingError: a wrong argument, one that has no effect, a mask that is missing, or a network whose
                measurements are not such images.

        Warns:
            UserWarning: sigma has no effect, because the network does not take it; or the result does not
                explain y, as with a wrong psf.
        """
        images, self.doubts = check_images(y), []
        check_sigma(sigma, len(images))
        operator = self.operator_for(psf, boundary)
        if sigma is not None and not self.task.takes_sigma:
            warnings.warn(f"this network does not take sigma: {sigma} has no effect", stacklevel=2)
            sigma = None
        refuse_measurements(self.config["physics"]["operator"]["name"], self.operator, images)
        check_psf(operator, images)
        if operator is not None and operator.psf.dim() == 3 and len(operator.psf) != len(images):
            raise ImagingError(f"psf is {len(operator.psf)} kernels for {len(images)} images")
        if self.task.takes_sigma and sigma is None:
            refuse_estimate(self.operator)
            sigma = estimate_sigmas(self.task.network, images, operator)
        n, channels = images.shape[:2]
        single = self.operator.photograph == "mosaic" or channels == self.channels
        if not single:
            # Gray as three equal channels, or each channel alone.
            images = images.expand(-1, 3, -1, -1) if channels == 1 else images.flatten(0, 1)[:, None]
            if channels == 3 and operator is not None and operator.psf.dim() == 3:
                operator = Blur(operator.psf.repeat_interleave(3, 0), operator.boundary)
        if sigma is not None:
            sigma = torch.as_tensor(sigma, dtype=torch.float32).flatten().expand(n)
            sigma = sigma.repeat_interleave(len(images) // n)[:, None, None, None].to(self.task.device)
        asked = torch.is_grad_enabled() and y.requires_grad
        with torch.set_grad_enabled(asked):
            x_hat = self._restore(images, sigma, mask, operator, boundary).to(y.device)
            if not single:
                x_hat = x_hat.mean(1, True) if channels == 1 else x_hat.unflatten(0, (n, 3)).squeeze(2)
        for doubt in self.doubts:
            warnings.warn(doubt, stacklevel=2)
        return x_hat if y.dim() == 4 else x_hat[0]

    @property
    def operator(self) -> LinearOperator:
        return self.task.physics.operator

    def operator_for(self, psf: dict | Tensor | None, boundary: Border | None) -> Blur | None:
        """The blur that a network is told, or None if it knows only the operator of its settings."""
        network, blur = self.task.network, isinstance(self.operator, Blur)
        if boundary is not None:
            check("boundary", boundary, Border)
            if not blur:
                name = self.config["physics"]["operator"]["name"]
                raise ImagingError(f"boundary is for deconvolution; this network inverts {name}")
        if blur and network.takes_operator:
            if psf is None and not self.has_psf:
                raise ImagingError(
                    "this network restores any blur, and has to be told which: give a psf, e.g. --psf "
                    'gaussian:1.5, or psf={"name": "gaussian", "sigma": 1.5} in Python'
                )
            psf = self.operator.psf if psf is None else psf
            return Blur(psf, "circular" if boundary == "circular" else "valid")
        if psf is not None:
            raise ImagingError(
                "psf is for a network that is told the blur, such as deconvolver; this one, "
                f"{self.config['model']['name']}, knows that of its training or of imaging.load(…, psf=…)"
            )
        return None

    def estimate_sigma(self, image: Tensor) -> float:
        """Estimate the noise of an image (C, H, W); see `imaging.restoring.estimation`."""
        return estimate_sigma(self.task.network, image, self.operator_for(None, None))

    restore_with_error = restore_with_error

    file = restore_file

    @property
    def in_tiles(self) -> bool:
        """Whether each pixel depends only on its neighbourhood, so that an image can be restored in tiles."""
        denoises = self.config["physics"]["operator"]["name"] == "identity"
        return self.task.network.reach is not None or denoises

    def _restore(
        self,
        y: Tensor,
        sigma: Tensor | None,
        mask: Tensor | None,
        operator: Blur | None,
        boundary: Border | None,
    ) -> Tensor:
        if self.operator.photograph == "image and mask":
            return self._inpaint(y, sigma, mask)
        if mask is not None:
            raise ImagingError("mask is for a network that inpaints; this one was trained on "
                               f"{self.config['physics']['operator']['name']}")  # fmt: skip
        if operator is not None:
            x_hat, self.doubts = deconvolve(self.task, y, sigma, operator)
            return x_hat
        if not self.operator.keeps_shape or boundary == "circular":
            return self.operator.visible(self._whole(y, sigma))
        if self.in_tiles:
            return self._tiles(y, sigma)
        psf = self.operator.psf
        margins = [min(32 if psf is None else 4 * max(psf.shape), side // 2) for side in y.shape[-2:]]
        size = [side + 2 * margin for side, margin in zip(y.shape[-2:], margins, strict=True)]
        return crop(self._whole(fill(as_float(y), size, margins), sigma), margins, y.shape[-2:])

    def _whole(self, y: Tensor, sigma: Tensor | None) -> Tensor:
        return self.task.restore(self.task.normalise(as_float(y.to(self.task.device))), sigma)

    def _tiles(self, y: Tensor, sigma: Tensor | None) -> Tensor:
        if torch.is_grad_enabled() or max(y.shape[-2:]) <= SIDE:
            return self._whole(y, sigma)
        sigmas = [None] * len(y) if sigma is None else sigma.flatten().tolist()
        pairs = zip(y, sigmas, strict=True)
        return torch.stack([restore_to_floats(self.task, image, sigma=level) for image, level in pairs])

    def _inpaint(self, y: Tensor, sigma: Tensor | None, mask: Tensor | None) -> Tensor:
        if mask is None:
            raise ImagingError("this network fills in lost pixels: give a mask, an image that is 0 there")
        if mask.shape != y.shape[-2:]:
            sizes = (" x ".join(map(str, shape)) for shape in (mask.shape, y.shape[-2:]))
            raise ImagingError("the mask is {}, but the image is {}".format(*sizes))
        mask, intensities = mask.to(y.device) != 0, as_float(y)
        # A lost pixel is 0 in the network's units, as in a training without noise.
        lost = self.task.denormalise(torch.zeros(()))
        y = torch.where(mask, intensities, lost)
        if self.task.network.takes_operator:
            y = y.to(self.task.device)
            restored = self.task.restore(y, sigma, Mask(image=mask.float())).to(mask.device)
        else:
            restored = self._tiles(y, sigma).to(mask.device)
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
    task, config = load_network(name, device, psf)
    text = read_metadata(find_network(name), CALIBRATION)
    calibration = None if text is None else Calibration.from_json(text)
    return Restorer(task, config, calibration, has_psf=psf is not None)
