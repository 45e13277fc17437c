"""The deep DnCNN and the batch normalisation without biases."""

import numpy as np
import pytest
import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.dncnn_deep import BiasFreeBatchNorm2d, DeepDnCNN


def trained(**settings) -> DeepDnCNN:
    """A small one whose running statistics have met some batches, in evaluation mode."""
    model = DeepDnCNN(**{"depth": 5, "hidden_channels": 8} | settings)
    for _ in range(20):
        model(torch.rand(4, model.first.in_channels, 12, 12))
    return model.eval()


@pytest.mark.parametrize(("channels", "depth"), [(1, 17), (3, 20)])
def test_number_of_parameters(channels, depth):
    """Zhang et al. 2017: conv, (depth - 2) times conv and batch norm, conv."""
    with_bias = DeepDnCNN(channels=channels, depth=depth)
    convolutions = 64 * 9 * channels + 64 + (depth - 2) * (64 * 64 * 9 + 64) + 64 * 9 * channels + channels
    assert sum(p.numel() for p in with_bias.parameters()) == convolutions + (depth - 2) * 2 * 64
    without = DeepDnCNN(channels=channels, depth=depth, bias=False)
    convolutions = 2 * 64 * 9 * channels + (depth - 2) * 64 * 64 * 9
    assert sum(p.numel() for p in without.parameters()) == convolutions + (depth - 2) * 64


def test_normalises_as_torch_does_with_biases():
    assert all(type(norm) is nn.BatchNorm2d for norm in DeepDnCNN(depth=5).norms)


class TestBiasFreeBatchNorm:
    def test_training_divides_by_the_deviation_of_the_batch(self):
        norm, x = BiasFreeBatchNorm2d(3), 2 + torch.rand(4, 3, 5, 6)
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([1.0, 2.0, -3.0]))
        deviation = np.std(x.numpy(), axis=(0, 2, 3), ddof=1)
        expected = x.numpy() * (norm.weight.detach().numpy() / (deviation + 1e-5))[:, None, None]
        assert np.allclose(norm(x).detach().numpy(), expected, rtol=1e-5)

    def test_evaluation_divides_by_the_running_deviation(self):
        norm, reference = BiasFreeBatchNorm2d(3), nn.BatchNorm2d(3)
        for _ in range(5):
            x = 1 + torch.rand(4, 3, 5, 6) * torch.tensor([1.0, 2.0, 3.0])[:, None, None]
            norm(x), reference(x)
        assert torch.allclose(norm.running_var, reference.running_var, rtol=1e-5)
        expected = x / reference.running_var.sqrt()[:, None, None]
        assert torch.allclose(norm.eval()(x), expected, rtol=1e-3)

    def test_gradients_are_those_of_finite_differences(self):
        norm = BiasFreeBatchNorm2d(2).double()
        x = torch.rand(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(norm, x)
        assert torch.autograd.gradcheck(norm.eval(), x)


def test_a_black_batch_has_finite_gradients():
    model = DeepDnCNN(depth=4, hidden_channels=4, bias=False)
    model(torch.zeros(2, 3, 8, 8)).square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@pytest.mark.parametrize("alpha", [0, 0.01, 0.5, 20])
@pytest.mark.parametrize("channels", [1, 3])
def test_without_biases_it_is_homogeneous_in_evaluation(alpha, channels):
    model = trained(bias=False, channels=channels)
    y = torch.rand(1, channels, 16, 16)
    assert (model(alpha * y) - alpha * model(y)).norm() <= 1e-5 * alpha * model(y).norm()


def test_with_biases_it_is_not():
    model, y = trained(bias=True), torch.rand(1, 3, 16, 16)
    assert (model(20 * y) - 20 * model(y)).norm() > 1e-2 * model(y).norm()


def test_pixels_further_than_the_receptive_field_do_not_matter():
    model, y = trained(depth=3), torch.rand(1, 3, 21, 21)
    changed = y.clone()
    changed[..., 10, 10] += 1
    rows, columns = torch.nonzero((model(y) - model(changed))[0].abs().sum(0) > 0, as_tuple=True)
    reach = model.reach
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (10 - reach, 10 + reach)


@pytest.mark.parametrize("settings", [{"depth": 2}, {"channels": 0}, {"hidden_channels": 0}])
def test_a_number_that_is_too_small_is_refused(settings):
    with pytest.raises(ImagingError, match=f"model.{next(iter(settings))} is"):
        build_model({"name": "dncnn_deep", **settings})
