"""Circular blur against scipy's. Linearity and adjoint: test_linear_operators.py."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image

import imaging.physics.blur
from imaging.errors import ImagingError
from imaging.physics import CircularBlur, make_psf, otf

SIZES = [(3, 3), (7, 7), (4, 4), (4, 5), (5, 2), (1, 6), (1, 1)]
DIGIT = {"name": "digit"}


@pytest.fixture
def psf_of(tmp_path):
    """Config of a random kernel without symmetry, of a given size, and the kernel."""

    def make(size):
        weights = np.random.default_rng(0).integers(1, 255, size, dtype=np.uint8)
        Image.fromarray(weights).save(tmp_path / "psf.png")
        return {"name": "image", "path": str(tmp_path / "psf.png")}, weights / weights.sum(dtype=float)

    return make


@pytest.mark.parametrize("image_size", [(16, 12), (15, 13), (7, 8)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_is_scipys_wrapped_convolution(psf_of, size, image_size):
    # scipy's convolve has the same centre, size // 2, for odd and for even sizes.
    config, psf = psf_of(size)
    x = np.random.default_rng(1).random((2, 3, *image_size))
    y = CircularBlur(config)(torch.from_numpy(x))
    for image, blurred in zip(x.reshape(6, *image_size), y.reshape(6, *image_size), strict=True):
        assert np.allclose(blurred, scipy.ndimage.convolve(image, psf, mode="wrap"), atol=1e-7)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_point_becomes_the_psf_around_its_centre(psf_of, size):
    config, psf = psf_of(size)
    kh, kw = size
    x = torch.zeros(1, 1, 20, 21)
    x[0, 0, 10, 11] = 1
    top, left = 10 - kh // 2, 11 - kw // 2
    y = CircularBlur(config)(x)[0, 0]
    assert np.allclose(y[top : top + kh, left : left + kw], psf, atol=1e-6)
    assert y.sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [(10, 12), (11, 13)], ids=str)
def test_otf_is_half_of_the_full_transform_and_one_at_zero(size):
    psf = make_psf(DIGIT).double()
    padded = np.zeros(size)
    for i in range(7):
        for j in range(7):
            padded[(i - 3) % size[0], (j - 3) % size[1]] = psf[i, j]
    expected = np.fft.fft2(padded)[:, : size[1] // 2 + 1]
    assert np.allclose(otf(psf, size), expected, atol=1e-12)
    assert otf(psf, size)[0, 0].real.item() == pytest.approx(1, abs=1e-6)


def test_constant_image_and_mean_are_kept():
    blur = CircularBlur(DIGIT)
    assert torch.allclose(blur(torch.full((1, 1, 9, 9), 0.7)), torch.tensor(0.7), atol=1e-6)
    x = torch.rand(2, 3, 9, 10)
    assert torch.allclose(blur(x).mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=1e-6)


def test_otf_is_computed_once_for_each_size_and_dtype(monkeypatch):
    calls = []

    def counted(psf, size):
        calls.append(size)
        return otf(psf, size)

    monkeypatch.setattr(imaging.physics.blur, "otf", counted)
    blur = CircularBlur(DIGIT)
    for _ in range(3):
        blur(torch.rand(2, 3, 16, 16))
        blur.adjoint(torch.rand(2, 3, 16, 16))
        blur(torch.rand(1, 1, 8, 9))
    assert calls == [(16, 16), (8, 9)]
    blur(torch.rand(1, 1, 8, 9, dtype=torch.float64))
    assert calls == [(16, 16), (8, 9), (8, 9)]


def test_many_sizes_do_not_fill_the_memory():
    blur = CircularBlur(DIGIT)
    for width in range(8, 40):
        blur(torch.rand(1, 1, 8, width))
    assert len(blur._filter._scaled._cache) <= blur._filter._scaled.ENTRIES


def test_nothing_goes_into_a_checkpoint():
    blur = CircularBlur(DIGIT)
    blur(torch.rand(1, 1, 8, 8))
    assert blur.state_dict() == {}


def test_is_computed_in_full_precision_under_autocast():
    blur, x = CircularBlur(DIGIT), torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        y = blur(x)
        low = blur(x.bfloat16())
    assert torch.equal(y, blur(x))
    assert low.dtype == torch.bfloat16
    assert torch.allclose(low.float(), y, atol=0.01)


def test_first_used_in_inference_mode_then_in_training():
    blur = CircularBlur(DIGIT)
    with torch.inference_mode():
        blur(torch.rand(1, 1, 8, 8))
    x = torch.rand(1, 1, 8, 8, requires_grad=True)
    blur(x).square().sum().backward()
    assert x.grad is not None


def test_image_smaller_than_the_psf():
    with pytest.raises(ImagingError, match="images are 6 x 30, smaller than the 7 x 7 psf"):
        CircularBlur(DIGIT)(torch.rand(1, 1, 6, 30))
