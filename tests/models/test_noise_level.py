"""The noise level that is seen from an image alone."""

import pytest
import torch
from skimage.restoration import estimate_sigma

from imaging.data.sources.bundled import Bundled
from imaging.errors import ImagingError
from imaging.models.noise_level import noise_level
from imaging.physics import Blur


@pytest.mark.parametrize("sigma", [0.005, 0.05, 0.3])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_of_noise_alone_it_is_its_deviation(sigma, offset):
    y = offset + sigma * torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    assert noise_level(y).shape == (2, 1, 1, 1)
    assert noise_level(y).flatten().tolist() == pytest.approx([sigma] * 2, rel=0.02)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.3])
def test_a_ramp_does_not_count_as_noise(sigma):
    y = torch.linspace(0, 1, 96).expand(1, 3, 128, 96)
    y = y + sigma * torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    assert noise_level(y).item() == pytest.approx(sigma, rel=0.03)


def test_each_image_has_its_own():
    unit = torch.randn(3, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([0.01, 0.1, 0.2]).reshape(3, 1, 1, 1)
    assert torch.allclose(noise_level(sigmas * unit), sigmas, rtol=0.03)


@pytest.mark.parametrize("sigma", [0.07, 0.1, 0.2])
def test_of_a_noisy_photograph_it_agrees_with_scikit_image(sigma):
    x = Bundled().read("test", 1)[None, :, :256, :256] / 255
    y = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    found = noise_level(y).item()
    assert found == pytest.approx(sigma, rel=0.1)
    assert found == pytest.approx(estimate_sigma(y[0].numpy(), channel_axis=0, average_sigmas=True), rel=0.1)


@pytest.mark.parametrize("sigma", [0.02, 0.03])
def test_of_a_blurred_photograph_it_sees_little_noise_too(sigma):
    x = Blur({"name": "digit"})(Bundled().read("test", 1)[None, :, :256, :256] / 255)
    y = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert noise_level(y).item() == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("size", [(4, 9), (9, 4)])
def test_of_less_than_a_difference_needs_it_is_refused(size):
    with pytest.raises(ImagingError, match="fewer than 5×5 pixels"):
        noise_level(torch.rand(1, 3, *size))
    assert noise_level(torch.rand(1, 3, 5, 5)).isfinite().all()
