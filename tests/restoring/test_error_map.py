"""Maps of the expected error of denoised images."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

import imaging
from imaging.errors import ImagingError
from imaging.randomness import generator
from imaging.restoring.calibration import calibrate
from imaging.restoring.error_map import NORMAL, Calibration, expected_magnitude, write_map

TWO = Calibration([0.1, 0.4], [[1.0], [2.0]], [[1.0, 2.0], [3.0, 5.0]])


def test_a_bound_is_the_factor_of_the_bin_times_the_magnitude():
    magnitude = torch.tensor([[0.05, 0.15]])  # in units of sigma: 0.5 and 1.5
    torch.testing.assert_close(TWO.bound(magnitude, 0.1), torch.tensor([[0.05, 0.30]]))
    torch.testing.assert_close(TWO.bound(magnitude, 0.4), torch.tensor([[0.15, 0.45]]))


def test_between_two_sigmas_it_is_interpolated_and_beyond_them_the_nearest():
    magnitude = torch.tensor([[0.01]])
    assert TWO.bound(magnitude, 0.2).item() == pytest.approx(0.5 * (0.01 + 0.03))  # in the middle of the logs
    assert TWO.bound(magnitude, 0.04).item() == pytest.approx(0.01)
    assert TWO.bound(magnitude, 0.9).item() == pytest.approx(0.03)


def test_the_factor_without_a_calibration_is_the_quantile_of_a_normal_distribution():
    errors = torch.randn(100_000, generator=generator("normal")).abs()
    assert (errors <= NORMAL.bound(torch.ones(1, 1), 1.0).item()).float().mean() == pytest.approx(
        0.9, abs=5e-3
    )


def test_a_calibration_is_plain_text():
    assert Calibration.from_json(TWO.to_json()) == TWO


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"sigmas": [0.1], "edges": [[]], "factors": [[]]}', "[" * 10**5]
)
def test_a_damaged_one_is_refused(text):
    with pytest.raises(ImagingError, match="the calibration of the error maps is damaged"):
        Calibration.from_json(text)


def test_the_mean_square_of_the_magnitude_is_the_expected_error():
    responses = torch.rand(3, 20, 30, generator=generator("responses"))
    magnitude = expected_magnitude(responses, 0.1, 2e-3)
    assert magnitude.shape == (20, 30)
    assert magnitude.square().mean().item() == pytest.approx(2e-3)


def test_a_linear_minimum_mean_square_denoiser_has_a_flat_map():
    """x_i ~ N(0, 1): f(y) = y / (1 + sigma²), J_ii = 1 / (1 + sigma²), and the variance is sigma² J_ii."""
    sigma = 0.5
    mse = sigma**2 / (1 + sigma**2)
    magnitude = expected_magnitude(torch.full((1, 16, 16), 1 / (1 + sigma**2)), sigma, mse)
    torch.testing.assert_close(magnitude, torch.full((16, 16), math.sqrt(mse)))


@pytest.fixture(scope="module")
def scenes():
    x = imaging.data("bundled").test_images()[0][1][:, :192, :192].float() / 255
    return [("left", x[..., :96]), ("right", x[..., 96:])]


def test_what_is_calibrated_covers_its_share(scenes):
    denoise = imaging.load("denoiser-32", "cpu")
    denoise.calibration = calibrate(denoise, scenes, [0.1])
    shares = []
    for name, x in scenes:
        y = x + 0.1 * torch.randn(x.shape, generator=generator("another", name))
        x_hat, error = denoise.restore_with_error(y, 0.1)
        assert error.bound.shape == x.shape[1:]
        shares.append(((x_hat - x).abs().mean(0) <= error.bound).float().mean().item())
    assert sum(shares) / 2 == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("name", ["denoiser-32", "denoiser-64", "denoiser-best-64", "denoiser-blind-64"])
def test_the_denoisers_that_ship_are_calibrated(name):
    calibration = imaging.load(name, "cpu").calibration
    assert calibration.sigmas == [0.02, 0.05, 0.1, 0.2]


def test_a_map_is_a_picture_or_numbers(tmp_path):
    bound = torch.linspace(0, 0.1, 200).expand(50, 200)
    assert "(black 0, yellow 0.100)" in write_map(tmp_path / "map.png", bound)
    assert write_map(tmp_path / "map.png", bound, doubtful=True).startswith("if these doubts are unfounded, ")
    picture = np.asarray(Image.open(tmp_path / "map.png")).astype(int)
    assert picture.shape == (50, 200, 3)
    assert (np.diff(picture.sum(2)[0]) >= -3).all()  # brighter from left to right
    write_map(tmp_path / "maps" / "map.npy", bound)
    np.testing.assert_array_equal(np.load(tmp_path / "maps" / "map.npy"), bound.numpy())
