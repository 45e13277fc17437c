"""Signs that the noise is not what an expected error assumes."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import imaging
from imaging.randomness import generator


@pytest.fixture(scope="module")
def denoise():
    return imaging.load("denoiser-64", "cpu")


@pytest.fixture(scope="module")
def scene():
    return 0.2 + 0.6 * imaging.data("bundled").test_images()[0][1][:, :256, :256].float() / 255


def noise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return sigma * torch.randn(x.shape, generator=generator("noise", sigma))


@pytest.mark.parametrize("sigma", [0.03, 0.05, 0.1, 0.2])
def test_white_noise_of_the_sigma_that_is_given_is_not_doubted(sigma, denoise, scene):
    y = scene + noise(scene, sigma)
    for given in (sigma, None):
        assert denoise.restore_with_error(y, given)[1].doubts == ()


@pytest.mark.parametrize("given", [0.07, 0.13])
def test_a_wrong_sigma_is_told(given, denoise, scene):
    (doubt,) = denoise.restore_with_error(scene + noise(scene, 0.1), given)[1].doubts
    assert doubt.startswith(("the noise looks like sigma 0.10", "the noise looks like sigma 0.09"))
    assert doubt.endswith(f"the expected error is for {given}")


def test_noise_that_was_resized_is_told(denoise, scene):
    blurred = F.avg_pool2d(noise(scene, 0.2)[None], 2, 1)[0]
    y = scene[:, :-1, :-1] + blurred
    doubts = denoise.restore_with_error(y)[1].doubts
    assert "the noise is not white" in doubts[0]


def test_a_jpeg_is_told(denoise, scene):
    pixels = (255 * (scene + noise(scene, 0.1)).clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    y = torch.tensor(np.array(Image.open(buffer))).permute(2, 0, 1)
    doubts = denoise.restore_with_error(y, 0.1)[1].doubts
    assert any("as of a JPEG" in doubt for doubt in doubts)


def test_clipping_is_told_and_left_out(denoise):
    x = imaging.data("bundled").test_images()[0][1][:, :256, :256].float() / 255 * 0.6  # dark
    y = (x + noise(x, 0.1)).clamp(0, 1)
    x_hat, error = denoise.restore_with_error(y, 0.1)
    assert any("is near black or white, where its file clips the noise" in doubt for doubt in error.doubts)
    assert 0.05 < error.clipped < 0.9
    bright = x_hat > 0.2
    true = -10 * torch.log10((x_hat - x)[bright].square().mean()).item()
    assert error.psnr == pytest.approx(true, abs=0.5)
