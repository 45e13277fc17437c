"""Demosaicing by Malvar, He and Cutler, pixel by pixel as the paper says."""

import pytest
import torch

from imaging.metrics import psnr
from imaging.models import build_model
from imaging.physics import Mosaic


def at_a_pixel(y, i, j, pattern):
    """The three colours at a pixel from equations 1 to 3 of the paper, with α = 1/2, β = 5/8, γ = 3/4."""

    def mean(*offsets):
        return sum(y[i + a, j + b] for a, b in offsets) / len(offsets)

    far = mean((-2, 0), (2, 0), (0, -2), (0, 2))
    here = pattern[2 * (i % 2) + j % 2]
    if here in "rb":
        gradient = y[i, j] - far
        green = mean((-1, 0), (1, 0), (0, -1), (0, 1)) + gradient / 2
        other = mean((-1, -1), (-1, 1), (1, -1), (1, 1)) + 3 / 4 * gradient
        return (y[i, j], green, other) if here == "r" else (other, green, y[i, j])
    diagonal, rows, columns = (
        mean((-1, -1), (-1, 1), (1, -1), (1, 1)),
        mean((0, -2), (0, 2)),
        mean((-2, 0), (2, 0)),
    )
    # Nine points: the Laplacian of green, with the far pixels across at a tenth.
    along_row = mean((0, -1), (0, 1)) + 5 / 8 * (y[i, j] - (4 * diagonal + 2 * rows - columns) / 5)
    along_column = mean((-1, 0), (1, 0)) + 5 / 8 * (y[i, j] - (4 * diagonal + 2 * columns - rows) / 5)
    in_row = pattern[2 * (i % 2) + (j + 1) % 2]  # the other colour of this row
    return (along_row, y[i, j], along_column) if in_row == "r" else (along_column, y[i, j], along_row)


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "grbg", "gbrg"])
def test_each_pixel_is_that_of_the_paper(pattern):
    y = torch.rand(1, 1, 12, 14, dtype=torch.float64)
    x_hat = build_model({"name": "malvar", "pattern": pattern})(y)
    for i in range(2, 10):
        for j in range(2, 12):
            expected = torch.stack(at_a_pixel(y[0, 0], i, j, pattern))
            torch.testing.assert_close(x_hat[0, :, i, j], expected, atol=1e-6, rtol=1e-6)


def test_samples_stay_and_a_gray_ramp_is_exact():
    mosaic, model = Mosaic("grbg"), build_model({"name": "malvar", "pattern": "grbg"})
    ramp = torch.linspace(0, 1, 20)[:, None] + torch.linspace(0, 1, 24)
    x = ramp.expand(1, 3, 20, 24)
    torch.testing.assert_close(model(mosaic(x))[..., 2:-2, 2:-2], x[..., 2:-2, 2:-2])
    y = torch.rand(1, 1, 20, 24)
    assert torch.equal(mosaic(model(y)), y)


def test_it_is_better_than_bilinear_interpolation():
    from skimage.data import astronaut

    x = torch.from_numpy(astronaut()[:200, :200]).permute(2, 0, 1)[None] / 255
    mosaic = Mosaic()
    y = mosaic(x)
    assert psnr(build_model({"name": "malvar"})(y), x) > psnr(mosaic.preview(y), x) + 2
