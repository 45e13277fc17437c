"""PSNR and SSIM against scikit-image."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from imaging.metrics import CONVENTIONS, PSNR, psnr, ssim
from imaging.randomness import generator


@pytest.fixture(params=[(1, 11, 11), (1, 28, 28), (3, 40, 57)])
def pair(request):
    random = generator("metrics", *request.param)
    x = torch.rand(2, *request.param, generator=random)
    return x + 0.3 * torch.randn(x.shape, generator=random), x


def test_psnr_is_that_of_scikit_image(pair):
    x_hat, x = pair
    expected = [
        peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1) for a, b in zip(x_hat, x, strict=True)
    ]
    assert psnr(x_hat, x).tolist() == pytest.approx(expected, abs=1e-4)


def test_psnr_is_of_the_unclipped_estimate():
    x = torch.ones(1, 1, 4, 4)
    assert psnr(x + 0.1, x).item() == pytest.approx(20, abs=1e-4)  # clipped, it would be perfect


def test_a_perfect_estimate_has_infinite_psnr():
    assert psnr(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item() == math.inf


def test_psnr_refuses_to_broadcast():
    with pytest.raises(ValueError, match="differ in shape"):
        psnr(torch.zeros(1, 1, 2, 2), torch.zeros(2, 1, 2, 2))


def test_ssim_is_that_of_scikit_image(pair):
    x_hat, x = pair
    settings = {
        "channel_axis": 0,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 1,
    }
    expected = [
        structural_similarity(a.numpy(), b.numpy(), **settings) for a, b in zip(x_hat, x, strict=True)
    ]
    assert ssim(x_hat, x).tolist() == pytest.approx(expected, abs=2e-5)


def test_ssim_of_an_image_smaller_than_its_window_is_not_a_number():
    assert math.isnan(ssim(torch.zeros(1, 1, 10, 30), torch.zeros(1, 1, 10, 30)).item())


def test_the_metric_averages_images_not_batches():
    metric, x = PSNR(), torch.zeros(3, 1, 2, 2)
    metric.update(x[:1] + 0.1, x[:1])  # 20 dB
    metric.update(x[1:] + 0.01, x[1:])  # 40 dB, twice
    assert metric.compute().item() == pytest.approx(100 / 3, abs=1e-4)


def test_conventions_say_what_is_done_to_an_estimate_first(pair):
    x_hat, x = pair
    expected = [
        peak_signal_noise_ratio(b.numpy(), a.clip(0, 1).numpy(), data_range=1)
        for a, b in zip(x_hat, x, strict=True)
    ]
    assert psnr(CONVENTIONS["clipped"](x_hat), x).tolist() == pytest.approx(expected, abs=1e-4)
    assert torch.equal(CONVENTIONS["unclipped"](x_hat), x_hat)
