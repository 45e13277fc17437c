"""U-Net: sizes, borders, homogeneity."""

import pytest
import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.unet import UNet
from imaging.physics import Blur

PADDINGS = ["zeros", "circular"]


def images(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_number_of_parameters():
    assert 500_000 <= sum(p.numel() for p in UNet().parameters()) <= 600_000


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 4), (16, 16), (33, 47)], ids=str)
def test_any_size(size, padding):
    y = images(2, 3, *size)
    x_hat = UNet(hidden_channels=4, padding=padding)(y)
    assert x_hat.shape == y.shape
    assert x_hat.isfinite().all()


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_any_number_of_levels(levels):
    y = images(1, 1, 13, 18)
    assert UNet(channels=1, hidden_channels=4, levels=levels)(y).shape == y.shape


@pytest.mark.parametrize("padding", PADDINGS)
def test_residual_is_added_to_the_input(padding):
    model, y = UNet(hidden_channels=4, bias=True, padding=padding), images(1, 3, 10, 11)
    direct = UNet(hidden_channels=4, bias=True, padding=padding, residual=False)
    assert torch.allclose(model(y), y + direct(y), atol=1e-6)
    nn.init.zeros_(model.last.weight)
    nn.init.zeros_(model.last.bias)
    assert torch.equal(model(y), y)


def test_a_residual_needs_as_many_inputs_as_outputs():
    with pytest.raises(ImagingError, match=r"model\.inputs is 1; with residual=true expected 3"):
        UNet(channels=3, inputs=1)
    assert UNet(channels=3, inputs=1, hidden_channels=2, residual=False)(images(1, 1, 8, 8)).shape == (
        1,
        3,
        8,
        8,
    )


@pytest.mark.parametrize("size", [(12, 16), (11, 13)], ids=str)
def test_circular_network_has_no_borders(size):
    # Exact with one level, which sees two pixels far and does not subsample.
    model, y = UNet(hidden_channels=4, levels=1, padding="circular"), images(1, 3, *size)
    assert torch.allclose(model(y.roll((5, 3), (2, 3))), model(y).roll((5, 3), (2, 3)), atol=1e-6)


@pytest.mark.parametrize("size", [(32, 32), (31, 33)], ids=str)
def test_opposite_border_matters_to_a_circular_network_alone(size):
    y = images(1, 3, *size)
    changed = y.clone()
    changed[..., -1, 16] += 1
    for padding, seen in (("circular", True), ("zeros", False)):
        model = UNet(hidden_channels=4, levels=2, padding=padding)
        assert ((model(y) - model(changed))[..., 0, :].abs().max() > 1e-6) == seen


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("alpha", [0, 0.1, 10])
def test_without_bias_it_is_homogeneous(alpha, padding):
    model, y = UNet(hidden_channels=8, bias=False, padding=padding), images(1, 3, 16, 17)
    assert (model(alpha * y) - alpha * model(y)).norm() <= 1e-5 * alpha * model(y).norm()


def test_first_weights_depend_on_the_seed_alone():
    torch.manual_seed(0)
    first = UNet(seed=3).state_dict()
    torch.manual_seed(1)
    second = UNet(seed=3).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    other = UNet(seed=4).state_dict()
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_every_parameter_is_used():
    model = UNet(hidden_channels=8)
    model(images(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


@pytest.mark.parametrize("padding", PADDINGS)
def test_layout_does_not_matter(padding):
    model, y = UNet(hidden_channels=8, padding=padding), images(2, 3, 16, 17)
    expected = model(y)
    last = torch.channels_last
    x_hat = model.to(memory_format=last)(y.contiguous(memory_format=last))
    assert torch.allclose(x_hat, expected, atol=1e-5)


def test_learns_to_undo_a_blur():
    blur = Blur({"name": "gaussian", "sigma": 1.0})
    x = blur(images(2, 1, 24, 24))
    x = (x - x.mean()) / x.std()
    y = blur(x)
    model = UNet(channels=1, hidden_channels=8, padding="circular")
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    before = (y - x).square().mean()
    for _ in range(40):
        optimizer.zero_grad()
        loss = (model(y) - x).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.4 * before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"levels": 0}, "model.levels is 0; expected a whole number, from 1 to 2147483647"),
        ({"channels": 0}, "model.channels is 0"),
        ({"hidden_channels": -1}, "model.hidden_channels is -1"),
        ({"padding": "reflect"}, "model.padding is 'reflect'; expected zeros or circular"),
    ],
)
def test_wrong_settings(setting, message):
    with pytest.raises(ImagingError, match=message):
        build_model({"name": "unet", **setting})
