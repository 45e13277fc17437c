"""Mosaics against colours by index. Linearity, adjoint and solve: test_linear_operators.py."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from imaging.errors import ImagingError
from imaging.physics import Mosaic

PATTERNS = ["rggb", "bggr", "grbg", "gbrg"]


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 2)], ids=str)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pixel_has_the_colour_of_its_filter(pattern, size):
    x = torch.rand(2, 3, *size)
    y, back = Mosaic(pattern)(x), Mosaic(pattern).adjoint(Mosaic(pattern)(x))
    assert y.shape == (2, 1, *size)
    for i in range(size[0]):
        for j in range(size[1]):
            colour = "rgb".index(pattern[2 * (i % 2) + j % 2])
            assert torch.equal(y[:, 0, i, j], x[:, colour, i, j])
            assert torch.equal(back[:, colour, i, j], y[:, 0, i, j])
            assert back[:, :, i, j].count_nonzero() == 2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_preview_keeps_the_samples_and_continues_planes(pattern):
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(8.0), indexing="ij")
    x = torch.stack([rows + 2 * columns, 3 * rows, 5 - columns])[None]
    mosaic = Mosaic(pattern)
    preview = mosaic.preview(mosaic(x))
    torch.testing.assert_close(preview[..., 1:-1, 1:-1], x[..., 1:-1, 1:-1])
    assert torch.equal(mosaic(preview), mosaic(x))
    constant = mosaic.preview(mosaic(torch.tensor([0.2, 0.5, 0.9])[None, :, None, None].expand(1, 3, 4, 5)))
    torch.testing.assert_close(
        constant, torch.tensor([0.2, 0.5, 0.9])[None, :, None, None].expand(1, 3, 4, 5)
    )


def test_a_preview_is_scipys_bilinear_interpolation():
    x = np.random.default_rng(0).random((3, 10, 12))
    mosaic = Mosaic("rggb")
    y = mosaic(torch.from_numpy(x)[None])
    samples = np.zeros((10, 12))
    samples[::2, ::2] = x[0, ::2, ::2]
    kernel = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
    expected = scipy.ndimage.convolve(samples, kernel, mode="constant")
    np.testing.assert_allclose(mosaic.preview(y)[0, 0, 1:-1, 1:-1], expected[1:-1, 1:-1])


def test_solve_is_a_mean_where_a_colour_was_measured_and_z_elsewhere():
    mosaic, y, z = Mosaic(), torch.rand(2, 1, 6, 6), torch.rand(2, 3, 6, 6)
    x, measured = mosaic.solve(y, z, 0.5), mosaic.adjoint(torch.ones_like(y)) == 1
    expected = torch.where(measured, (y + 0.5 * z) / 1.5, z)
    torch.testing.assert_close(x, expected)


def test_wrong_images_and_settings():
    with pytest.raises(ImagingError, match=r"RGB images, .* channels=1: set data.source.channels=3"):
        Mosaic()(torch.rand(1, 1, 4, 4))
    with pytest.raises(ImagingError, match="a mosaic has one channel, and this measurement has 3"):
        Mosaic().adjoint(torch.rand(1, 3, 4, 4))
    with pytest.raises(ImagingError, match=r"pattern is 'rgbg'.*; expected rggb, bggr, grbg or gbrg"):
        Mosaic("rgbg")
