"""A trained denoiser, by its name, as the prior of a solver."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.formats.denoiser_prior import DenoiserPrior
from imaging.formats.networks import load_network


def test_it_is_the_denoiser_and_is_not_trained():
    prior, v = DenoiserPrior("denoiser-blind-64"), torch.rand(2, 3, 16, 16)
    network = load_network("denoiser-blind-64", "cpu")[0].network
    assert torch.equal(prior(v, torch.full((2, 1, 1, 1), 0.01), {}), network(v))
    assert not any(parameter.requires_grad for parameter in prior.parameters())
    assert not prior.explicit


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("deconvolver-unet", r"model\.prior\.network: deconvolver-unet inverts blur; expected a denoiser"),
        ("denoiser-blind", r"there is no run, checkpoint or network 'denoiser-blind' \(did you mean"),
    ],
)
def test_what_is_no_denoiser_is_refused(network, message):
    with pytest.raises(ImagingError, match=message):
        DenoiserPrior(network)
