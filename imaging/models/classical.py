"""Classical restoration with scikit-image, as baselines for networks.

Some methods have one parameter, their strength. It is the candidate with the highest mean PSNR on the
validation images, which are training images, with the training's noise. Test images are not used.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.noise_level import noise_level
from imaging.physics.operators.mask import Mask
from imaging.physics.psf import make_psf
from imaging.shapes import Images


def each_image(y: Images, restore: Callable[[np.ndarray], np.ndarray]) -> Images:
    """Apply `restore` to each image of (N, C, H, W), as float64 (H, W, C); float32, on y's device."""
    images = y.detach().cpu().double().permute(0, 2, 3, 1).numpy()
    restored = np.stack([restore(image) for image in images]).reshape(images.shape)
    return torch.from_numpy(restored).permute(0, 3, 1, 2).float().to(y.device)


class Classical(nn.Module):
    """The base class of x_hat = restore(y, strength), which works on one image at a time, on the CPU.

    Nothing is trained. `strength` is a buffer, so that checkpoints contain it.

    Attributes:
        candidates: values of `strength` to choose from.
    """

    candidates: tuple[float, ...] = ()
    strength: Tensor

    def __init__(self):
        super().__init__()
        middle = self.candidates[len(self.candidates) // 2]
        self.register_buffer("strength", torch.tensor(middle, dtype=torch.float64))

    def forward(self, y: Images) -> Images:
        """Restore (N, C, H, W): the same shape, float32."""
        return each_image(y, lambda image: self.restore(image, self.strength.item()))

    def restore(self, y: np.ndarray, strength: float) -> np.ndarray:
        """Restore one image, float64 (H, W, C)."""
        raise NotImplementedError


def estimate_sigma(y: np.ndarray) -> float:
    """Estimate the standard deviation of the noise in an image (H, W, C); see `noise_level`."""
    return noise_level(torch.from_numpy(y).permute(2, 0, 1)[None]).item()


@MODELS.register("identity")
class NoRestoration(nn.Module):
    """x_hat = y: no restoration."""

    reach = 0

    def forward(self, y: Images) -> Images:
        return y


@MODELS.register("total_variation")
class TotalVariation(Classical):
    """x_hat = argmin_x |x - y|² / 2 + w TV(x), with w = strength · noise level (Chambolle 2004)."""

    candidates = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)

    def restore(self, y: np.ndarray, strength: float) -> np.ndarray:
        from skimage.restoration import denoise_tv_chambolle

        return denoise_tv_chambolle(y, weight=max(1e-8, strength * estimate_sigma(y)), channel_axis=-1)


@MODELS.register("wavelet")
class Wavelet(Classical):
    """Soft thresholding with BayesShrink (Chang, Yu, Vetterli 2000), for sigma = strength · noise level."""

    candidates = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)

    def restore(self, y: np.ndarray, strength: float) -> np.ndarray:
        from skimage.restoration import denoise_wavelet

        # scikit-image clips to [0, 1], and converts to YCbCr only in that range, which noise exceeds.
        low, scale = float(y.min()), float(y.max() - y.min()) or 1.0
        sigma = max(1e-8, strength * estimate_sigma(y) / scale)
        colour = y.shape[-1] == 3
        x_hat = denoise_wavelet((y - low) / scale, sigma=sigma, channel_axis=-1, convert2ycbcr=colour)
        return x_hat * scale + low


@MODELS.register("non_local_means")
class NonLocalMeans(Classical):
    """Non-local means (Buades, Coll, Morel 2005), with h = strength · noise level."""

    candidates = (0.4, 0.6, 0.8, 1.0, 1.2)

    def restore(self, y: np.ndarray, strength: float) -> np.ndarray:
        from skimage.restoration import denoise_nl_means

        sigma = max(1e-8, estimate_sigma(y))
        settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
        return denoise_nl_means(y, h=strength * sigma, sigma=sigma, **settings)


@MODELS.register("richardson_lucy")
class RichardsonLucy(Classical):
    """Iterate x <- x · Aᵀ(y / A x) `strength` times (Richardson 1972, Lucy 1974), for circular blur.

    Args:
        psf: a config for `imaging.physics.make_psf`.
    """

    candidates = (2, 3, 5, 8, 12, 20, 30)

    def __init__(self, psf: dict):
        super().__init__()
        weights = make_psf(psf).double().numpy()
        # scikit-image takes (k - 1) // 2 as the centre of an even psf and of its mirror image, which are then
        # no adjoints. An odd psf has only one centre, which zeros after the last weight leave at k // 2.
        self.psf = np.pad(weights, [(0, 1 - side % 2) for side in weights.shape])

    def restore(self, y: np.ndarray, strength: float) -> np.ndarray:
        from skimage.restoration import richardson_lucy

        # It pads with zeros, so the image is first continued periodically as far as the iterations reach.
        reach = 4 * max(self.psf.shape)
        rows, columns = (min(reach, side) for side in y.shape[:2])
        padded = np.pad(y, ((rows, rows), (columns, columns), (0, 0)), mode="wrap").clip(1e-6)
        restored = [
            richardson_lucy(padded[..., c], self.psf, num_iter=int(strength), clip=False)
            for c in range(y.shape[-1])
        ]
        return np.stack(restored, axis=-1)[rows:-rows, columns:-columns]


@MODELS.register("unsupervised_wiener")
class UnsupervisedWiener(nn.Module):
    """Wiener filter that estimates the powers of noise and image from y, by Gibbs sampling.

    Orieux, Giovannelli and Rodet, "Bayesian estimation of regularization and point spread function parameters
    for Wiener-Hunt deconvolution", JOSA A 2010.

    Args:
        psf: a config for `imaging.physics.make_psf`.
    """

    def __init__(self, psf: dict):
        super().__init__()
        self.psf = make_psf(psf).double().numpy()

    def forward(self, y: Images) -> Images:
        """Restore (N, C, H, W): the same shape, float32."""
        from skimage.restoration import unsupervised_wiener

        channels = y.detach().cpu().double().flatten(0, 1).numpy()
        # Seeded, so that an image is restored identically each time.
        restored = [unsupervised_wiener(c, self.psf, clip=False, rng=0)[0] for c in channels]
        return torch.from_numpy(np.stack(restored)).reshape(y.shape).float().to(y.device)


@MODELS.register("biharmonic")
class Biharmonic(nn.Module):
    """Inpainting with the biharmonic equation, with the kept pixels as boundary (Damelin and Hoang 2018).

    Args:
        mask: the settings of `imaging.physics.operators.mask.Mask`.
    """

    def __init__(self, mask: dict):
        super().__init__()
        self.mask = Mask(**{key: value for key, value in mask.items() if key != "name"})

    def forward(self, y: Images) -> Images:
        """Restore (N, C, H, W): the same shape, float32."""
        from skimage.restoration import inpaint_biharmonic

        lost = self.mask.mask(y.shape[-2:]).numpy() == 0
        return each_image(y, lambda image: inpaint_biharmonic(image, lost, channel_axis=-1))
