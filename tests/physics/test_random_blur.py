"""A blur with another psf for each training image, and a fixed one elsewhere."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.physics import Blur, build_physics
from imaging.physics.operators.random_blur import RandomBlur
from imaging.randomness import generator

DIGIT = {"name": "digit"}


def test_without_a_draw_it_is_the_blur_by_its_psf():
    x = torch.rand(2, 3, 20, 20)
    for boundary in ("circular", "valid"):
        assert torch.equal(RandomBlur(DIGIT, boundary)(x), Blur(DIGIT, boundary)(x))


def test_each_image_is_blurred_by_its_own_psf():
    x = torch.rand(4, 3, 40, 44)
    drawn = RandomBlur(DIGIT, circular=0).draw(4, generator(0))
    y = drawn(x)
    assert drawn.boundary == "valid"
    assert y.shape == (4, *drawn.output_shape((3, 40, 44)))
    for n in range(4):
        kernel = drawn.psf[n].flip(0, 1).expand(3, 1, -1, -1)
        expected = torch.nn.functional.conv2d(x[n : n + 1], kernel, groups=3)
        assert torch.allclose(y[n : n + 1], expected, atol=1e-5)
    adjoint = drawn.adjoint(y)
    assert torch.allclose((y * y).sum((1, 2, 3)), (x * adjoint).sum((1, 2, 3)), rtol=1e-4)


def test_the_stated_share_of_batches_is_circular():
    blur = RandomBlur(DIGIT, circular=0.25)
    drawn = [blur.draw(1, generator(step)).boundary for step in range(400)]
    assert set(drawn) == {"circular", "valid"}
    assert drawn.count("circular") / 400 == pytest.approx(0.25, abs=0.07)


def test_ranks_share_the_psfs_of_one_process():
    blur = RandomBlur(DIGIT)
    whole = blur.draw(6, generator(3)).psf
    parts = [blur.draw(3, generator(3), (rank, 2)).psf for rank in range(2)]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)


def test_a_wrong_setting_is_named():
    operator = {"name": "random_blur", "psf": DIGIT, "side": 8}
    with pytest.raises(
        ImagingError, match=r"physics\.operator\.side is 8; expected an odd number from 7 to 63"
    ):
        build_physics({"operator": operator, "noise": {"sigma": 0.1}})
