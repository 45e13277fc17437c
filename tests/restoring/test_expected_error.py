"""The expected error of a restored image against the true one."""

import math

import pytest
import torch
import torch.nn.functional as F

import imaging
from imaging.errors import ImagingError
from imaging.models.noise_level import noise_level
from imaging.randomness import generator
from imaging.restoring.expected_error import ExpectedError, expected_error

BOUND = torch.zeros(1, 1)


def smooth(y: torch.Tensor) -> torch.Tensor:
    """A filter that is not linear in y."""
    mean = F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), 3, 1)
    return y - 0.8 * torch.tanh(3 * (y - mean)) / 3


def scene() -> torch.Tensor:
    at = torch.linspace(0, 12, 96)
    return (0.5 + 0.3 * torch.sin(at)[:, None] * torch.cos(at * at / 12)).expand(3, 96, 96)


def noisy(seed: int, sigma: float) -> torch.Tensor:
    x = scene()
    return x + sigma * torch.randn(x.shape, generator=generator(seed, "noise"))


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_it_is_unbiased_and_its_deviation_is_right(sigma):
    scores = []
    for seed in range(100):
        y = noisy(seed, sigma)
        x_hat = smooth(y[None])[0]
        error = expected_error(lambda z: smooth(z[None])[0], y, x_hat, sigma)
        true = (x_hat - scene()).square().mean().item()
        scores.append((error.mse - true) / error.deviation)
    scores = torch.tensor(scores)
    assert abs(scores.mean().item()) < 0.35  # its standard error is 0.1
    assert 0.8 < scores.std().item() < 1.25
    assert 0.9 <= (scores.abs() < 1.96).float().mean().item() <= 1


def test_an_uncertain_sigma_widens_the_interval_by_what_it_changes():
    y = noisy(0, 0.1)
    x_hat = smooth(y[None])[0]
    known, unsure, higher = (
        expected_error(lambda z: smooth(z[None])[0], y, x_hat, sigma, fraction)
        for sigma, fraction in ((0.1, 0.0), (0.1, 0.01), (0.101, 0.0))
    )
    change = higher.mse - known.mse  # by a sigma that is one per cent higher
    assert math.sqrt(unsure.deviation**2 - known.deviation**2) == pytest.approx(abs(change), rel=0.05)


def test_in_words():
    assert str(ExpectedError(1e-3, 1e-4, 0.1, BOUND)) == "expected PSNR 30.00 dB (95 %: 29.22 to 30.95)"
    assert str(ExpectedError(1e-3, 1e-3, 0.1, BOUND)) == "expected PSNR above 25.29 dB (95 %)"
    assert ExpectedError(-1e-9, 1e-9, 0.1, BOUND).psnr == math.inf


def test_a_shipped_network_on_a_photograph():
    f = imaging.load("denoiser-32", "cpu")
    x = imaging.data("bundled").test_images()[0][1][:, :160, :160].float() / 255
    y = x + 0.1 * torch.randn(x.shape, generator=generator(0, "noise"))
    x_hat, error = f.restore_with_error(y, sigma=0.1)
    assert torch.equal(x_hat, f(y))
    true = -10 * math.log10((x_hat - x).square().mean().item())
    assert error.interval[0] < true < error.interval[1]
    assert error.psnr == pytest.approx(true, abs=0.5)
    _, unsure = f.restore_with_error(y)
    assert unsure.interval[0] < true < unsure.interval[1]
    assert unsure.deviation > error.deviation


def test_what_cannot_have_one_is_told():
    f, y = imaging.load("denoiser-32", "cpu"), torch.rand(3, 32, 32)
    with pytest.raises(ImagingError, match="sigma is 0: without noise"):
        f.restore_with_error(y, sigma=0)
    with pytest.raises(ImagingError, match=r"y has the shape \(1, 3, 32, 32\); expected one image"):
        f.restore_with_error(y[None], sigma=0.1)
    with pytest.raises(ImagingError, match="no noise is found"):
        f.restore_with_error(torch.full((3, 32, 32), 0.5))
    with pytest.raises(ImagingError, match="for denoising, and this network inverts blur"):
        imaging.load("deconvolver-unet", "cpu").restore_with_error(y, sigma=0.1)


def test_the_noise_is_estimated_better_beside_the_restored_image():
    """Of texture everywhere but in a corner, which alone tells the noise."""
    x = 0.5 + 0.1 * torch.randn(1, 1, 128, 128, generator=generator(0, "texture"))
    x[..., :80, :80] = 0.5
    y = x + 0.05 * torch.randn(x.shape, generator=generator(0, "noise"))
    assert noise_level(y).item() > 0.06
    assert noise_level(y, x).item() == pytest.approx(0.05, rel=0.08)


def test_an_image_that_requires_a_gradient_has_one_too():
    f, y = imaging.load("denoiser-32", "cpu"), torch.rand(3, 32, 32)
    expected = f.restore_with_error(y, sigma=0.1)[1]
    assert f.restore_with_error(y.clone().requires_grad_(), sigma=0.1)[1].mse == expected.mse
