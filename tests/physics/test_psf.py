"""The shapes, sums and centres of kernels."""

import gzip
import math

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.errors import ImagingError
from imaging.physics import PSFS, make_psf

CONFIGS = {
    "digit": {"name": "digit"},
    "gaussian": {"name": "gaussian", "sigma": 1.5, "size": 7},
    "gaussian of even size": {"name": "gaussian", "sigma": 1.5, "size": 6},
    "gaussian of default size": {"name": "gaussian", "sigma": 0.8},
    "motion": {"name": "motion", "length": 9, "angle": 30},
    "short motion": {"name": "motion", "length": 1, "angle": 0},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_is_a_float32_distribution(config):
    psf = make_psf(config)
    assert psf.dtype == torch.float32
    assert psf.ndim == 2
    assert psf.min() >= 0
    assert psf.double().sum().item() == pytest.approx(1, abs=1e-6)


def test_every_psf_is_tested():
    assert {config["name"] for config in CONFIGS.values()} | {"image"} == set(PSFS.names())


def test_digit():
    psf = make_psf({"name": "digit"})
    assert psf.shape == (7, 7)
    expected = {
        (2, 2): 219, (2, 3): 253, (2, 4): 247, (3, 3): 190, (4, 4): 93,
        (5, 3): 221, (5, 4): 253, (6, 1): 136, (6, 2): 212,
    }  # fmt: skip
    assert {tuple(i) for i in psf.nonzero().tolist()} == set(expected)
    for index, value in expected.items():
        assert psf[index].item() == pytest.approx(value / 1824, rel=1e-6)


@pytest.mark.data
def test_digit_is_the_first_training_image_of_mnist(data_root):
    path = sorted((data_root / "MNIST" / "raw").glob("train-images-idx3-ubyte*"))[0]
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        first = np.frombuffer(file.read(16 + 784)[16:], np.uint8).reshape(28, 28)[::4, ::4]
    assert np.allclose(make_psf({"name": "digit"}), first / first.sum(), atol=1e-7)


@pytest.mark.parametrize("size", [6, 7])
def test_gaussian_peaks_at_its_centre_and_falls_as_the_formula(size):
    psf = make_psf({"name": "gaussian", "sigma": 1.5, "size": size})
    assert psf.shape == (size, size)
    peak = psf[size // 2, size // 2]
    assert psf.max() == peak
    assert (psf[size // 2 - 2, size // 2 + 1] / peak).item() == pytest.approx(
        math.exp(-5 / (2 * 1.5**2)), rel=1e-5
    )


def test_gaussian_reaches_three_sigma_by_default():
    assert make_psf({"name": "gaussian", "sigma": 1.5}).shape == (11, 11)


def test_horizontal_and_vertical_motion_are_a_row_and_a_column():
    ninth = torch.full((1, 9), 1 / 9)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 0}), ninth)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 90}), ninth.T)
    assert torch.allclose(make_psf({"name": "motion", "length": 9, "angle": 180}), ninth)


@pytest.mark.parametrize("angle", [0, 30, 45, 100, 170])
def test_motion_has_its_direction_its_length_and_no_shift(angle):
    length = 15
    psf = make_psf({"name": "motion", "length": length, "angle": angle}).double().numpy()
    kh, kw = psf.shape
    assert kh % 2 == kw % 2 == 1
    up, right = np.mgrid[kh // 2 : -(kh // 2) - 1 : -1, -(kw // 2) : kw // 2 + 1]
    assert (psf * up).sum() == pytest.approx(0, abs=1e-6)
    assert (psf * right).sum() == pytest.approx(0, abs=1e-6)
    moments = np.array([[(psf * a * b).sum() for a in (right, up)] for b in (right, up)])
    variances, axes = np.linalg.eigh(moments)
    along = axes[:, 1]
    assert np.degrees(np.arctan2(along[1], along[0])) % 180 == pytest.approx(angle, abs=1)
    assert variances[1] == pytest.approx(length**2 / 12, rel=0.06)  # of a uniform line
    assert variances[0] < 0.5  # no thicker than a pixel


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_image_is_divided_by_its_sum(tmp_path, dtype):
    values = np.array([[0, 1, 2], [3, 0, 250]], dtype=dtype)
    values = values * (200 if dtype == np.uint16 else 1)
    path = str(tmp_path / "psf.png")
    Image.fromarray(values).save(path)
    assert np.allclose(make_psf({"name": "image", "path": path}), values / values.sum(), atol=1e-6)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "gaussian", "sigma": 0.0}, "psf.sigma is 0.0"),
        ({"name": "gaussian", "sigma": float("nan")}, "psf.sigma is nan"),
        ({"name": "gaussian", "sigma": 1.0, "size": 0}, "psf.size is 0"),
        ({"name": "motion", "length": 0.5, "angle": 0}, "psf.length is 0.5"),
        ({"name": "motion", "length": 3, "angle": float("inf")}, "psf.angle is inf"),
        ({"name": "image", "path": "no/such.png"}, "no file no/such.png"),
        ({"name": "gausian", "sigma": 1.0}, "did you mean 'gaussian'"),
        ({"name": "digit", "size": 7}, "no setting 'size'"),
    ],
)
def test_wrong_settings(config, message):
    with pytest.raises(ImagingError, match=message) as error:
        make_psf(config)
    assert "\n" not in str(error.value)


def test_black_image_is_no_psf(tmp_path):
    path = str(tmp_path / "black.png")
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(path)
    with pytest.raises(ImagingError, match="cannot be a psf"):
        make_psf({"name": "image", "path": path})
