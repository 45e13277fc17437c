"""A photograph that is made to go on periodically."""

import pytest
import torch

from imaging.models.wiener import Wiener
from imaging.physics import make_psf
from imaging.physics.boundaries import fill


@pytest.mark.parametrize("size", [(40, 60), (33, 41)], ids=str)
@pytest.mark.parametrize(("more", "first"), [((0, 0), (0, 0)), ((1, 5), (1, 2)), ((16, 9), (8, 0))], ids=str)
def test_the_image_is_inside_where_it_is_asked_for(size, more, first):
    image = torch.rand(2, *size)
    wide = fill(image, [a + b for a, b in zip(size, more, strict=True)], first)
    assert wide.shape == (2, size[0] + more[0], size[1] + more[1])
    assert torch.equal(wide[:, first[0] : first[0] + size[0], first[1] : first[1] + size[1]], image)


def test_neighbours_across_the_border_differ_no_more_than_inside():
    rows, columns = torch.meshgrid(torch.arange(50.0), torch.arange(70.0), indexing="ij")
    image = (rows / 50 + columns / 70)[None] / 2  # a ramp: round the border it would jump by a half
    wide = fill(image, (82, 102), (16, 16))
    for dim in (-2, -1):
        assert (wide - wide.roll(1, dim)).abs().max() < 0.06
        assert (image - image.roll(1, dim)).abs().max() > 0.4


def test_an_image_may_be_smaller_than_what_is_filled():
    image = torch.rand(1, 5, 1, dtype=torch.float64)
    wide = fill(image, (40, 9), (3, 4))
    assert wide.dtype == torch.float64
    assert torch.equal(wide[:, 3:8, 4:5], image)
    assert wide.min() >= image.min()
    assert wide.max() <= image.max()


def test_deconvolution_rings_less_at_the_borders():
    psf = {"name": "gaussian", "sigma": 1.5}
    rows, columns = torch.meshgrid(torch.arange(80.0), torch.arange(90.0), indexing="ij")
    scene = 0.5 + 0.3 * torch.sin(rows / 7) * torch.cos(columns / 9) + columns / 300
    kernel = make_psf(psf)[None, None]
    y = torch.nn.functional.conv2d(scene[None, None], kernel)[0]  # what a camera sees: no borders
    half = kernel.shape[-1] // 2
    x = scene[half:-half, half:-half]
    wiener, margin = Wiener(psf, 1e3), 20
    wide = fill(y, [side + 2 * margin for side in y.shape[-2:]], (margin, margin))
    alone, with_more = wiener(y[None])[0, 0], wiener(wide[None])[0, 0, margin:-margin, margin:-margin]
    assert (with_more - x).square().mean() < (alone - x).square().mean() / 4
