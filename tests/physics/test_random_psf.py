"""Random psfs: what they are, what there is of them, and that they depend on the generator alone."""

import numpy as np
import pytest
import torch

from imaging.physics.random_psf import DRAW, SHARES, random_psfs
from imaging.randomness import generator


def draw(kind, n=64, side=31, *keys):
    return DRAW[kind](n, side, generator("psf", kind, *keys))


def extents(psfs):
    """Height and width of what is above a hundredth of the maximum, (2, n)."""
    above = psfs > 0.01 * psfs.amax((1, 2), keepdim=True)
    return torch.stack([above.any(2).sum(1), above.any(1).sum(1)])


@pytest.mark.parametrize("side", [7, 31])
def test_they_are_distributions_of_an_odd_size_that_holds_them(side):
    psfs = random_psfs(200, side, generator(0, side))
    assert psfs.dtype == torch.float32
    assert psfs.shape[1] == psfs.shape[2] <= side
    assert psfs.shape[1] % 2 == 1
    assert psfs.min() >= 0
    torch.testing.assert_close(
        psfs.double().sum((1, 2)), torch.ones(200, dtype=torch.float64), atol=1e-6, rtol=0
    )
    few = random_psfs(2, side, generator(1))  # cut to what the two need
    border = torch.cat([few[:, 0], few[:, -1], few[:, :, 0], few[:, :, -1]], 1)
    assert few.shape[1] == 1 or border.max() > 0


def test_they_depend_on_the_generator_alone():
    torch.manual_seed(0)
    one = random_psfs(8, 31, generator(0, "a"))
    torch.manual_seed(1)
    assert torch.equal(one, random_psfs(8, 31, generator(0, "a")))
    assert not torch.equal(one[:1, :5, :5], random_psfs(8, 31, generator(0, "b"))[:1, :5, :5])


@pytest.mark.parametrize("kind", SHARES)
def test_every_kind_has_small_and_large_ones_that_differ(kind):
    psfs = draw(kind)
    sizes = extents(psfs).amax(0)
    assert sizes.min() <= 6
    assert sizes.max() >= 17
    assert sizes.max() <= 31
    flat = (psfs / psfs.sum((1, 2), keepdim=True)).flatten(1)
    assert len(torch.unique(flat, dim=0)) > 30


def test_boxes_have_odd_and_even_sides_with_the_centre_of_a_psf():
    sizes = extents(draw("box"))
    assert set((sizes % 2).flatten().tolist()) == {0, 1}
    for psf, (h, w) in zip(draw("box"), sizes.T.tolist(), strict=True):
        expected = np.zeros((31, 31))
        expected[15 - h // 2 : 15 - h // 2 + h, 15 - w // 2 : 15 - w // 2 + w] = 1
        np.testing.assert_array_equal(psf, expected)


def test_lines_are_straight_and_trajectories_are_not():
    def thickness(psfs):  # the smaller standard deviation of the distribution over that of a long line
        weights = psfs / psfs.sum((1, 2), keepdim=True)
        rows, columns = torch.meshgrid(torch.arange(31.0), torch.arange(31.0), indexing="ij")
        places = torch.stack([rows.flatten(), columns.flatten()])
        mean = weights.flatten(1) @ places.T
        moments = torch.einsum("nk,ik,jk->nij", weights.flatten(1), places, places)
        return torch.linalg.eigvalsh(moments - mean[:, :, None] * mean[:, None])[:, 0].clamp_min(0).sqrt()

    assert thickness(draw("line")).max() < 0.8
    assert (thickness(draw("trajectory")) > 1.5).float().mean() > 0.2


def test_all_kinds_are_drawn_as_often_as_stated():
    assert sum(SHARES.values()) == pytest.approx(1)
    psfs = random_psfs(600, 31, generator("shares"))
    flat = [psf[psf > 0] for psf in psfs]
    boxes = sum(len(torch.unique(values)) == 1 and len(values) > 1 for values in flat) / len(flat)
    assert boxes == pytest.approx(SHARES["box"], abs=0.05)
