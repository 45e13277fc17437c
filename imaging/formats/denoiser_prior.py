"""A trained denoiser as a prior."""

from imaging.errors import ImagingError
from imaging.formats.networks import load_network
from imaging.models.prior import PRIORS, Prior
from imaging.shapes import Images, Sigmas


@PRIORS.register("denoiser")
class DenoiserPrior(Prior):
    """A prior whose proximal map is a trained denoiser ("plug and play", Venkatakrishnan et al. 2013).

    A denoiser that takes sigma is told the standard deviation; one that does not finds the noise by itself.
    The denoiser is not trained further.

    Args:
        network: a network that ships with the project, or the path of a run or a checkpoint.

    Raises:
        ImagingError: the network cannot be read, or is not a denoiser.
    """

    def __init__(self, network: str):
        super().__init__()
        task, config = load_network(network, "cpu")
        name = config["physics"]["operator"]["name"]
        if name != "identity":
            raise ImagingError(f"model.prior.network: {network} inverts {name}; expected a denoiser")
        self.network = task.network.requires_grad_(False)

    def forward(self, v: Images, variance: Sigmas, memory: dict) -> Images:
        return self.network(v, variance.sqrt()) if self.network.takes_sigma else self.network(v)
