"""A large image in pieces is the same as in one."""

import pytest
import torch

from imaging.restoring.tiling import restore_tiles, restore_to_floats, restore_to_integers
from imaging.tasks import build_task
from tests.untrained import BLUR, NOISE, untrained


def task_with(model: dict, physics: dict = NOISE):
    return build_task(untrained(model, physics))


MODELS = {
    "identity": {"name": "identity"},
    "dncnn": {"name": "dncnn", "channels": 1, "hidden_channels": 6, "depth": 7},
    "unet of 2 levels": {
        "name": "unet",
        "channels": 1,
        "hidden_channels": 4,
        "levels": 2,
        "padding": "zeros",
        "bias": True,
    },
    "unet of 4 levels": {
        "name": "unet",
        "channels": 1,
        "hidden_channels": 4,
        "levels": 4,
        "padding": "zeros",
        "bias": True,
    },
}


@pytest.mark.parametrize("size", [(130, 201), (64, 300), (257, 31), (20, 20)])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_pieces_are_the_whole(model, size):
    task, image = task_with(model), torch.rand(1, *size)
    for parameter in task.parameters():
        parameter.data.mul_(2)  # so that what is far away still counts
    with torch.no_grad():
        whole = task.network(image[None])[0]
    torch.testing.assert_close(restore_to_floats(task, image, side=32), whole, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("model", [m for name, m in MODELS.items() if name != "identity"])
def test_the_reach_is_as_far_as_y_enters_a_pixel_and_not_much_further(model):
    task = task_with(model)
    y = torch.rand(1, 1, 193, 193).requires_grad_()
    (gradient,) = torch.autograd.grad(task.network(y)[0, 0, 96, 96], y)
    rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
    farthest = max((rows - 96).abs().max().item(), (columns - 96).abs().max().item())
    assert farthest <= task.network.reach
    assert task.network.reach <= 3 * farthest


@pytest.mark.parametrize(
    ("model", "physics"),
    [
        ({"name": "wiener", "psf": {"name": "digit"}}, BLUR),
        ({"name": "unet", "channels": 1, "hidden_channels": 4, "padding": "circular"}, BLUR),
    ],
)
def test_what_depends_on_the_whole_gets_the_whole(model, physics):
    assert len(list(restore_tiles(task_with(model, physics), torch.rand(1, 80, 90), side=32))) == 1


@pytest.mark.parametrize("bits", [8, 16])
def test_integers_are_the_clipped_floats_rounded(bits):
    task, image = task_with(MODELS["dncnn"]), torch.randint(0, 256, (1, 70, 90), dtype=torch.uint8)
    expected = (restore_to_floats(task, image).clamp(0, 1).double() * (2**bits - 1)).round().numpy()
    integers = restore_to_integers(task, image, bits, side=32)
    assert integers.dtype.itemsize * 8 == bits
    assert abs(integers.astype(int) - expected).max() <= 1
    assert (integers == expected).mean() > 0.99
