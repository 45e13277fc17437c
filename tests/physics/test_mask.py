"""Which pixels a mask loses. Linearity and adjoint: test_linear_operators.py."""

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.errors import ImagingError
from imaging.physics import Mask


def test_rows_of_the_protocol_are_lost_inclusively():
    y = Mask(rows=[14, 27])(torch.ones(2, 1, 28, 28))
    assert y[:, :, :14].eq(1).all()
    assert y[:, :, 14:].eq(0).all()


def test_keeps_values_of_any_range():
    x = torch.randn(1, 3, 6, 5)
    y = Mask(rows=[0, 0])(x)
    assert torch.equal(y[:, :, 1:], x[:, :, 1:])


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA"])
def test_image_keeps_its_non_zero_pixels(tmp_path, mode):
    kept = np.array([[0, 255, 0], [255, 255, 0]], dtype=np.uint8)
    path = str(tmp_path / "mask.png")
    Image.fromarray(kept).convert(mode).save(path)
    assert torch.equal(Mask(image=path)(torch.ones(1, 1, 2, 3))[0, 0], torch.from_numpy(kept / 255).float())


def test_the_faintest_pixel_is_kept(tmp_path):
    path = str(tmp_path / "mask.png")
    Image.fromarray(np.array([[1, 0]], dtype=np.uint8)).save(path)
    assert Mask(image=path)(torch.ones(1, 1, 1, 2)).flatten().tolist() == [1, 0]


def test_lost_fraction_is_exact_and_the_same_for_all_images_and_channels():
    y = Mask(lost=0.3)(torch.ones(2, 3, 20, 10))
    assert y[0, 0].sum() == 140
    assert torch.equal(y, y[:1, :1].expand_as(y))


def test_lost_pixels_depend_on_seed_and_size_alone():
    x = torch.ones(1, 1, 20, 10)
    first = Mask(lost=0.5, seed=1)
    y = first(x)
    first(torch.ones(1, 1, 4, 4))  # another size in between
    assert torch.equal(first(x), y)
    assert torch.equal(Mask(lost=0.5, seed=1)(x), y)
    assert not torch.equal(Mask(lost=0.5, seed=2)(x), y)


def test_lost_pixels_are_spread_over_the_image():
    y = Mask(lost=0.5)(torch.ones(1, 1, 100, 100))
    quadrants = y.unfold(2, 50, 50).unfold(3, 50, 50).mean(dim=(-1, -2)).flatten()
    assert torch.allclose(quadrants, torch.tensor(0.5), atol=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs one of rows, image and lost; it has none"),
        ({"rows": [0, 1], "lost": 0.5}, "it has rows and lost"),
        ({"rows": [3, 2]}, r"rows is \[3, 2\]"),
        ({"rows": [-1, 2]}, "rows is"),
        ({"rows": [1]}, "rows is"),
        ({"rows": [0.5, 2]}, "rows is"),
        ({"lost": 1.1}, r"lost is 1\.1"),
        ({"lost": float("nan")}, "lost is nan"),
        ({"image": "no/such.png"}, "there is no file no/such.png"),
        ({"image": __file__}, "operator.image: cannot read the image .*none of PNG"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ImagingError, match=message) as error:
        Mask(**settings)
    assert "\n" not in str(error.value)


def test_mask_that_does_not_fit_the_image(tmp_path):
    path = str(tmp_path / "mask.png")
    Image.fromarray(np.zeros((4, 5), dtype=np.uint8)).save(path)
    with pytest.raises(ImagingError, match="image is 4 x 5, but the images are 5 x 4"):
        Mask(image=path)(torch.ones(1, 1, 5, 4))
    with pytest.raises(ImagingError, match="the images have 27 rows"):
        Mask(rows=[14, 27])(torch.ones(1, 1, 27, 28))
