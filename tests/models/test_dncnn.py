"""DnCNN: architecture, first weights, homogeneity."""

import pytest
import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.dncnn import DnCNN


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, 3 * 64 * 9 + 64 + 3 * (64 * 64 * 9 + 64) + 64 * 3 * 9 + 3),
        ({"hidden_channels": 32, "bias": False}, 3 * 32 * 9 + 3 * 32 * 32 * 9 + 32 * 3 * 9),
        ({"channels": 1, "depth": 2, "hidden_channels": 8}, 8 * 9 + 8 + 8 * 9 + 1),
    ],
)
def test_number_of_parameters(settings, parameters):
    assert sum(p.numel() for p in DnCNN(**settings).parameters()) == parameters


def test_layers_are_convolutions_with_relu_between():
    kinds = [type(layer) for layer in DnCNN(depth=4).net]
    assert kinds == [nn.Conv2d, nn.ReLU] * 3 + [nn.Conv2d]


def test_predicts_the_noise():
    model, y = DnCNN(hidden_channels=8), torch.rand(1, 3, 9, 7)
    assert torch.allclose(model(y), y - model.net(y))
    nn.init.zeros_(model.net[-1].weight)
    nn.init.zeros_(model.net[-1].bias)
    assert torch.equal(model(y), y)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (17, 16)], ids=str)
def test_any_size(size):
    y = torch.rand(2, 3, *size)
    assert DnCNN(hidden_channels=4)(y).shape == y.shape


def test_pixels_further_than_the_receptive_field_do_not_matter():
    model, y = DnCNN(hidden_channels=8, depth=3), torch.rand(1, 3, 21, 21)
    changed = y.clone()
    changed[..., 10, 10] += 1
    difference = (model(y) - model(changed))[0].abs().sum(0) > 0
    rows, columns = torch.nonzero(difference, as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 13, 7, 13)


@pytest.mark.parametrize("alpha", [0, 0.01, 0.5, 20])
def test_without_bias_it_is_homogeneous(alpha):
    model, y = DnCNN(bias=False), torch.rand(1, 3, 16, 16)
    error = (model(alpha * y) - alpha * model(y)).norm()
    assert error <= 1e-5 * alpha * model(y).norm()


def test_with_bias_it_is_not():
    model, y = DnCNN(bias=True), torch.rand(1, 3, 16, 16)
    assert (model(20 * y) - 20 * model(y)).norm() > 1e-2 * model(y).norm()


class TestFirstWeights:
    def test_depend_on_the_seed_alone(self):
        torch.manual_seed(0)
        first = DnCNN(seed=3).state_dict()
        torch.manual_seed(1)
        second = DnCNN(seed=3).state_dict()
        assert all(torch.equal(first[key], second[key]) for key in first)
        other = DnCNN(seed=4).state_dict()
        assert not any(torch.equal(first[key], other[key]) for key in first)

    def test_differ_between_layers_of_one_shape(self):
        net = DnCNN(depth=5).net
        assert not torch.equal(net[2].weight, net[4].weight)

    def test_have_pytorchs_distribution(self):
        model, reference = DnCNN(), nn.Conv2d(64, 64, 3)
        for ours, theirs in zip(model.net[2].parameters(), reference.parameters(), strict=True):
            assert ours.abs().max() <= 1 / 24  # 1 / sqrt(64 · 9)
            assert ours.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=0.1)
            assert ours.std().item() == pytest.approx(1 / 24 / 3**0.5, rel=0.2)


@pytest.mark.parametrize("setting", [{"depth": 1}, {"depth": 65536}, {"channels": 0}, {"hidden_channels": 0}])
def test_wrong_settings(setting):
    with pytest.raises(ImagingError, match=f"model.{next(iter(setting))} is .*; expected a whole number"):
        build_model({"name": "dncnn", **setting})
