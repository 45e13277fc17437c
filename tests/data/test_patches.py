"""Turning, cutting, and the grid of patches."""

import pytest
import torch

from imaging.data.patches import grid, prepare, same_type
from imaging.errors import ImagingError


def test_grid_is_aligned_at_the_top_left_and_goes_row_by_row():
    image = torch.arange(3 * 321 * 481).reshape(3, 321, 481)
    patches = grid(image, 32, "a")
    assert patches.shape == (150, 3, 32, 32)
    assert torch.equal(patches[16], image[:, 32:64, 32:64])  # 15 a row: second row, second column
    assert torch.equal(patches[149], image[:, 288:320, 448:480])


def test_too_small_an_image_is_named_with_its_size():
    with pytest.raises(ImagingError, match=r"^sea is 31x40 pixels, smaller than the patch of 32x32$"):
        grid(torch.zeros(3, 31, 40), 32, "sea")
    assert prepare(torch.zeros(3, 31, 40), crop=[30, 41]).shape == (3, 30, 40)


def test_portraits_are_transposed_before_they_are_cut():
    portrait = torch.rand(3, 6, 4)
    turned = prepare(portrait, "landscape", [3, 5])
    assert torch.equal(turned, portrait.transpose(1, 2)[:, :3, :5])
    landscape = torch.rand(3, 4, 6)
    assert torch.equal(prepare(landscape, "landscape"), landscape)
    assert torch.equal(prepare(portrait), portrait)


def test_a_stack_is_prepared_like_its_images():
    stack = torch.rand(5, 1, 6, 4)
    together = prepare(stack, "landscape", [3, 3])
    assert torch.equal(together[2], prepare(stack[2], "landscape", [3, 3]))


def test_8_and_16_bit_images_meet_as_float():
    eight, sixteen = torch.full((1, 2, 2), 51, dtype=torch.uint8), torch.rand(1, 2, 2)
    assert same_type([eight, eight])[0].dtype == torch.uint8
    mixed = same_type([eight, sixteen])
    assert torch.allclose(mixed[0], torch.full((1, 2, 2), 0.2))
    assert torch.equal(mixed[1], sixteen)
