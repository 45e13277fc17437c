"""A photograph that is made to go on periodically."""

import pytest
import torch

from imaging.models.wiener import Wiener
from imaging.physics import make_psf
from imaging.restoring.borders import pad_periodic


@pytest.mark.parametrize("size", [(40, 60), (33, 41)], ids=str)
@pytest.mark.parametrize("margin", [0, 1, 8])
def test_the_image_is_inside_and_larger_by_the_margin(size, margin):
    image = torch.rand(2, *size)
    wide, inner = pad_periodic(image, margin)
    assert wide.shape == (2, size[0] + 2 * margin, size[1] + 2 * margin)
    assert torch.equal(wide[(..., *inner)], image)


def test_neighbours_across_the_border_differ_no_more_than_inside():
    rows, columns = torch.meshgrid(torch.arange(50.0), torch.arange(70.0), indexing="ij")
    image = (rows / 50 + columns / 70)[None] / 2  # a ramp: round the border it would jump by a half
    wide, _ = pad_periodic(image, 16)
    for dim in (-2, -1):
        assert (wide - wide.roll(1, dim)).abs().max() < 0.06
        assert (image - image.roll(1, dim)).abs().max() > 0.4


def test_a_margin_larger_than_the_image_is_cut():
    wide, inner = pad_periodic(torch.rand(1, 5, 1), 100)
    assert wide[(..., *inner)].shape == (1, 5, 1)


def test_deconvolution_rings_less_at_the_borders():
    psf = {"name": "gaussian", "sigma": 1.5}
    rows, columns = torch.meshgrid(torch.arange(80.0), torch.arange(90.0), indexing="ij")
    scene = 0.5 + 0.3 * torch.sin(rows / 7) * torch.cos(columns / 9) + columns / 300
    kernel = make_psf(psf)[None, None]
    y = torch.nn.functional.conv2d(scene[None, None], kernel)[0]  # what a camera sees: no borders
    half = kernel.shape[-1] // 2
    x = scene[half:-half, half:-half]
    wiener = Wiener(psf, 1e3)
    wide, inner = pad_periodic(y, 4 * kernel.shape[-1])
    alone, with_more = wiener(y[None])[0, 0], wiener(wide[None])[0][(..., *inner)][0]
    assert (with_more - x).square().mean() < (alone - x).square().mean() / 4
