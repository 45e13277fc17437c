"""PSNR and SSIM against scikit-image."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from imaging import metrics
from imaging.metrics import CONVENTIONS, PSNR, local_means, psnr, ssim
from imaging.randomness import generator

WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}


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


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_nothing_is_broadcast(measure):
    with pytest.raises(ValueError, match="differ in shape"):
        measure(torch.zeros(1, 1, 20, 20), torch.zeros(2, 1, 20, 20))


@pytest.mark.parametrize("size", [(28, 28), (32, 45), (26, 11)])
def test_ssim_of_an_image_does_not_depend_on_its_neighbours(size):
    x = torch.rand(4, 1, *size, generator=generator("metrics"))
    x_hat = x + 0.1 * torch.rand(x.shape, generator=generator("metrics", 1))
    x_hat[2, 0, 0, 3] = math.nan
    values, alone = ssim(x_hat, x), torch.cat([ssim(a[None], b[None]) for a, b in zip(x_hat, x, strict=True)])
    assert values.isnan().tolist() == [False, False, True, False]
    assert torch.equal(values[[0, 1, 3]], alone[[0, 1, 3]])


def test_ssim_of_no_images_is_empty():
    assert ssim(torch.zeros(0, 1, 20, 20), torch.zeros(0, 1, 20, 20)).shape == (0,)


def test_ssim_of_a_large_image_is_as_accurate_as_that_of_a_small_one():
    x = torch.rand(1, 1, 2411, 2399, generator=generator("metrics"))
    assert ssim(x, x).item() == 1.0


def test_ssim_is_that_of_scikit_image(pair):
    x_hat, x = pair
    expected = [
        structural_similarity(a.numpy(), b.numpy(), channel_axis=0, **WANG)
        for a, b in zip(x_hat, x, strict=True)
    ]
    assert ssim(x_hat, x).tolist() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("size", [(11, 90), (90, 11), (26, 27), (58, 43), (121, 75)])
def test_ssim_by_strips_and_tiles_is_that_of_scikit_image(size, monkeypatch):
    monkeypatch.setattr(metrics, "STRIP", 1)
    random = generator("metrics", *size)
    x = torch.rand(1, 2, *size, generator=random)
    x_hat = x + 0.3 * torch.randn(x.shape, generator=random)
    expected = structural_similarity(x_hat[0].double().numpy(), x[0].double().numpy(), channel_axis=0, **WANG)
    assert ssim(x_hat, x, local_means(x)).item() == pytest.approx(expected, abs=1e-6)


def test_ssim_does_not_read_what_was_in_its_memory():
    x = torch.rand(1, 1, 20, 21, generator=generator("metrics"))
    torch.use_deterministic_algorithms(True)  # fills new memory with nan
    try:
        assert torch.empty(1).isnan()
        assert ssim(x, x).item() == 1.0
    finally:
        torch.use_deterministic_algorithms(False)


def test_ssim_measures_an_estimate_that_has_a_gradient(pair):
    x_hat, x = pair
    with torch.inference_mode():
        expected = ssim(x_hat, x).tolist()
    assert ssim(x_hat.clone().requires_grad_(), x).tolist() == expected


def test_ssim_is_computed_in_full_precision_under_autocast(pair):
    expected = ssim(*pair)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ssim(*pair), expected)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_ssim_of_an_image_with_itself_is_one_however_bright(level):
    x = torch.full((1, 3, 32, 40), level)
    x[..., 20:, :] = torch.rand(1, 3, 12, 40, generator=generator("metrics"))
    assert ssim(x, x).item() == 1.0


@pytest.mark.parametrize(("level", "sigma"), [(1.0, 0.001), (1.0, 0.01), (0.5, 0.01)])
def test_ssim_is_that_of_scikit_image_in_a_bright_sky(level, sigma):
    x = torch.full((1, 1, 64, 64), level)
    x_hat = x + sigma * torch.randn(x.shape, generator=generator("metrics"))
    expected = structural_similarity(x_hat[0, 0].double().numpy(), x[0, 0].double().numpy(), **WANG)
    assert ssim(x_hat, x).item() == pytest.approx(expected, abs=1e-5)


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
