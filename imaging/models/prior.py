"""The base class and the registry of priors: what an iterative solver knows of clean images."""

from torch import Tensor, nn

from imaging.registry import Registry
from imaging.shapes import Images, PerImage, Sigmas

# A denoiser reads its weights, which the rooms above cannot: its module lies in the room that reads networks.
PRIORS = Registry("model.prior", "imaging.models.priors", "imaging.formats.denoiser_prior")


class Prior(nn.Module):
    """A function Φ of images that is small for clean ones, given by its proximal map: a denoiser.

    A subclass defines `forward` and registers itself in `PRIORS`. Its constructor takes plain data, as in a
    config.

    Attributes:
        sigma: a good standard deviation for the noise that it removes in an iteration of ADMM.
        explicit: whether `value` computes Φ. A network is a prior of which only the proximal map is known.
    """

    sigma: float = 0.05
    explicit: bool = False

    def forward(self, v: Images, variance: Sigmas, memory: dict[str, Tensor]) -> Images:
        """The minimiser over x of |x - v|² / 2 + variance · Φ(x): v without noise of this variance.

        Args:
            v: (N, C, H, W).
            variance: positive, (N, 1, 1, 1).
            memory: empty in the first iteration of a solver, and handed on to the next ones; a place for what
                they can start from.
        """
        raise NotImplementedError

    def value(self, x: Images) -> PerImage:
        """Φ(x) of each image, (N,)."""
        raise NotImplementedError
