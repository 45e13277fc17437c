"""Downsampling against Pillow and against block means. Adjoint and solve: test_linear_operators.py."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import camera
from skimage.transform import downscale_local_mean

from imaging.errors import ImagingError
from imaging.physics import Downsampling
from imaging.physics.operators.downsampling import make_kernel


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """(96, 120), in [0, 1]."""
    return camera()[100:196, 150:270].astype(np.float32) / 255


def images(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None, None]


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_is_pillows_away_from_the_borders(factor, photograph):
    h, w = (side // factor for side in photograph.shape)
    expected = np.asarray(Image.fromarray(photograph, "F").resize((w, h), Image.Resampling.BICUBIC))
    y = Downsampling(factor)(images(photograph))[0, 0].numpy()
    np.testing.assert_allclose(y[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_box_is_the_mean_of_each_block(factor, photograph):
    y = Downsampling(factor, kernel="box")(images(photograph))[0, 0].numpy()
    np.testing.assert_allclose(y, downscale_local_mean(photograph, (factor, factor)), atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("kernel", ["bicubic", "gaussian", "box"])
def test_each_pixel_is_at_the_middle_of_its_block(factor, kernel):
    """A ramp stays a ramp, with its value in the middle of each block, where the period does not reach."""
    x = torch.arange(60.0)[:, None] + 100 * torch.arange(72.0)
    y = Downsampling(factor, kernel=kernel)(x[None, None])[0, 0]
    middle = (factor - 1) / 2
    rows, columns = (factor * torch.arange(side / factor) + middle for side in x.shape)
    inner = slice(4, -4)
    expected = rows[:, None] + 100 * columns
    torch.testing.assert_close(y[inner, inner], expected[inner, inner], atol=0.01, rtol=0)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_it_is_periodic(factor, photograph):
    down, x = Downsampling(factor), images(photograph)
    moved = down(x.roll((factor, 2 * factor), (-2, -1)))
    torch.testing.assert_close(moved, down(x).roll((1, 2), (-2, -1)), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("factor", "sigma"), [(2, 0.8), (3, 1.2), (4, 1.6)])
def test_the_gaussian_has_its_standard_deviation(factor, sigma):
    kernel = Downsampling(factor, kernel="gaussian").kernel
    torch.testing.assert_close(kernel, Downsampling(factor, kernel="gaussian", sigma=sigma).kernel)
    t = torch.arange(len(kernel)).double() - (len(kernel) - 1) / 2
    assert (kernel.sum(1) * t**2).sum().sqrt().item() == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize(("factor", "sizes"), [(2, (8, 2)), (3, (11, 3)), (4, (16, 4))])
def test_kernels_are_symmetric_and_keep_the_mean(factor, sizes):
    for name, size in zip(("bicubic", "box"), sizes, strict=True):
        kernel = make_kernel(name, factor)
        assert kernel.shape == (size, size)
        assert kernel.sum().item() == pytest.approx(1)
        assert torch.equal(kernel, kernel.flip(0, 1))


def test_wrong_settings():
    with pytest.raises(ImagingError, match="factor is 5; expected 2, 3 or 4"):
        Downsampling(factor=5)
    with pytest.raises(ImagingError, match=r"kernel is 'cubic'.*expected bicubic, gaussian or box"):
        Downsampling(kernel="cubic")
    with pytest.raises(ImagingError, match="sigma is 2, but the kernel is box: set kernel=gaussian"):
        Downsampling(kernel="box", sigma=2.0)


def test_images_of_a_size_that_it_does_not_take():
    message = r"are 33 x 50, not multiples of .*factor=3: set data.crop=\[33,48\]"
    with pytest.raises(ImagingError, match=message):
        Downsampling(factor=3)(torch.rand(1, 1, 33, 50))
    with pytest.raises(ImagingError, match=r"are 12 x 40, smaller than the 16 x 16 kernel .*factor=4"):
        Downsampling(factor=4)(torch.rand(1, 1, 12, 40))
    with pytest.raises(ImagingError, match="smaller than the 16 x 16 kernel"):
        Downsampling(factor=4).adjoint(torch.rand(1, 1, 3, 10))
