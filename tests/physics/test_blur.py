"""Blur against scipy's. Linearity, adjoint and solve: test_linear_operators.py."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from PIL import Image

import imaging.physics.operators.blur
from imaging.errors import ImagingError
from imaging.physics import Blur, make_psf, otf

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
    y = Blur(config)(torch.from_numpy(x))
    for image, blurred in zip(x.reshape(6, *image_size), y.reshape(6, *image_size), strict=True):
        assert np.allclose(blurred, scipy.ndimage.convolve(image, psf, mode="wrap"), atol=1e-7)


def valid(image, psf):
    return scipy.signal.convolve2d(image, psf, mode="valid")


def mirrored(image, psf):
    return scipy.ndimage.convolve(image, psf, mode="mirror")


def with_zeros(image, psf):
    return scipy.ndimage.convolve(image, psf, mode="constant", cval=0)


@pytest.mark.parametrize(
    ("boundary", "reference"),
    [("valid", valid), ("reflect", mirrored), ("zero", with_zeros)],
    ids=["valid", "reflect", "zero"],
)
@pytest.mark.parametrize("image_size", [(16, 12), (15, 13), (7, 8)], ids=str)
@pytest.mark.parametrize("size", [*SIZES, (6, 7)], ids=str)
def test_each_boundary_is_scipys(psf_of, size, image_size, boundary, reference):
    config, psf = psf_of(size)
    x = np.random.default_rng(1).random((2, 3, *image_size))
    y = Blur(config, boundary=boundary)(torch.from_numpy(x))
    for image, blurred in zip(x.reshape(6, *image_size), y.flatten(0, 1), strict=True):
        np.testing.assert_allclose(blurred, reference(image, psf), atol=1e-7)


@pytest.mark.parametrize("size", [(7, 7), (4, 4), (4, 5)], ids=str)
def test_boundaries_agree_where_the_borders_are_far(psf_of, size):
    config, (kh, kw) = psf_of(size)[0], size
    x = torch.rand(1, 2, 20, 21)
    circular = Blur(config)(x)
    for boundary in ("reflect", "zero"):
        y = Blur(config, boundary=boundary)(x)
        assert torch.allclose(y[..., kh:-kh, kw:-kw], circular[..., kh:-kh, kw:-kw], atol=1e-6)
    top, left = (kh - 1) // 2, (kw - 1) // 2
    inner = circular[..., top : top + 21 - kh, left : left + 22 - kw]
    assert torch.allclose(Blur(config, boundary="valid")(x), inner, atol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_point_becomes_the_psf_around_its_centre(psf_of, size):
    config, psf = psf_of(size)
    kh, kw = size
    x = torch.zeros(1, 1, 20, 21)
    x[0, 0, 10, 11] = 1
    top, left = 10 - kh // 2, 11 - kw // 2
    y = Blur(config)(x)[0, 0]
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
    blur = Blur(DIGIT)
    assert torch.allclose(blur(torch.full((1, 1, 9, 9), 0.7)), torch.tensor(0.7), atol=1e-6)
    x = torch.rand(2, 3, 9, 10)
    assert torch.allclose(blur(x).mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=1e-6)


def test_otf_is_computed_once_for_each_size_and_dtype(monkeypatch):
    calls = []

    def counted(psf, size):
        calls.append(size)
        return otf(psf, size)

    monkeypatch.setattr(imaging.physics.operators.blur, "otf", counted)
    blur = Blur(DIGIT)
    for _ in range(3):
        blur(torch.rand(2, 3, 16, 16))
        blur.adjoint(torch.rand(2, 3, 16, 16))
        blur(torch.rand(1, 1, 8, 9))
    assert calls == [(16, 16), (8, 9)]
    blur(torch.rand(1, 1, 8, 9, dtype=torch.float64))
    assert calls == [(16, 16), (8, 9), (8, 9)]


def test_many_sizes_do_not_fill_the_memory():
    blur = Blur(DIGIT)
    for width in range(8, 40):
        blur(torch.rand(1, 1, 8, width))
    assert len(blur._filter._scaled._cache) <= blur._filter._scaled.ENTRIES


def test_nothing_goes_into_a_checkpoint():
    blur = Blur(DIGIT)
    blur(torch.rand(1, 1, 8, 8))
    assert blur.state_dict() == {}


def test_is_computed_in_full_precision_under_autocast():
    blur, x = Blur(DIGIT), torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        y = blur(x)
        low = blur(x.bfloat16())
    assert torch.equal(y, blur(x))
    assert low.dtype == torch.bfloat16
    assert torch.allclose(low.float(), y, atol=0.01)


def test_first_used_in_inference_mode_then_in_training():
    blur = Blur(DIGIT)
    with torch.inference_mode():
        blur(torch.rand(1, 1, 8, 8))
    x = torch.rand(1, 1, 8, 8, requires_grad=True)
    blur(x).square().sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("boundary", ["circular", "valid", "reflect", "zero"])
def test_image_smaller_than_the_psf(boundary):
    with pytest.raises(ImagingError, match="images are 6 x 30, smaller than the 7 x 7 psf"):
        Blur(DIGIT, boundary=boundary)(torch.rand(1, 1, 6, 30))


def test_an_unknown_boundary():
    with pytest.raises(ImagingError, match=r"boundary is 'zeros'.*; expected circular, valid, reflect"):
        Blur(DIGIT, boundary="zeros")


def test_circular_solve_takes_a_weight_for_each_frequency():
    """As a Wiener filter needs it: against the formula with a sum in its numerator."""
    blur, (y, z) = Blur({"name": "gaussian", "sigma": 1.0}), torch.rand(2, 1, 1, 7, 8, dtype=torch.float64)
    weight = 0.1 + torch.arange(7.0, dtype=torch.float64)[:, None] + torch.arange(5.0, dtype=torch.float64)
    transfer = otf(blur.psf.double(), (7, 8))
    numerator = transfer.conj() * torch.fft.rfft2(y) + weight * torch.fft.rfft2(z)
    expected = torch.fft.irfft2(numerator / (transfer.abs() ** 2 + weight), s=(7, 8))
    assert torch.allclose(blur._filter.solve(y, z, weight), expected, atol=1e-12)
