"""The fully connected network: values, initialisation, training, and what it refuses."""

import itertools
import math

import pytest
import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.mlp import MLP
from imaging.randomness import generator


def on_torch_layers(mlp, widths):
    """The same network on nn.Linear and nn.ReLU, with the same parameters."""
    layers = [nn.Flatten()]
    for d_in, d_out in itertools.pairwise(widths):
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for ours, theirs in zip(mlp.parameters(), network.parameters(), strict=True):
            theirs.data = ours.detach().clone()
    return network


def test_default_is_the_network_of_the_inpainting_protocol():
    mlp = build_model({"name": "mlp"})
    shapes = [tuple(p.shape) for p in mlp.parameters()]
    assert shapes == [(32, 784), (32,), (32, 32), (32,), (784, 32), (784,)]
    for p in mlp.parameters():
        assert 0.05 < p.abs().max() <= 0.1
    x = torch.rand(3, 1, 28, 28, generator=generator(0))
    expected = on_torch_layers(mlp, [784, 32, 32, 784])(x).reshape(x.shape)
    torch.testing.assert_close(mlp(x), expected, rtol=1e-6, atol=1e-6)


def test_two_hundred_training_steps_equal_those_on_torch_layers():
    shape = (2, 4, 5)
    mlp = MLP(image_shape=shape, hidden=(16, 16)).double()
    twin = on_torch_layers(mlp, [40, 16, 16, 40])
    start = [p.detach().clone() for p in mlp.parameters()]
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.5) for network in (mlp, twin)]
    for step in range(200):
        x = torch.rand(8, *shape, generator=generator(0, step), dtype=torch.float64)
        for network, optimizer in zip((mlp, twin), optimizers, strict=True):
            optimizer.zero_grad()
            (network(x).reshape(x.shape) - x).square().mean().backward()
            optimizer.step()
    for ours, theirs, begun in zip(mlp.parameters(), twin.parameters(), start, strict=True):
        assert (ours - theirs).abs().max() < 1e-10
        assert (ours - begun).abs().max() > 1e-3, "the training moved nothing"


def test_initialisation_depends_on_the_seed_alone():
    before = torch.get_rng_state()
    first = MLP(hidden=(8,), seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    again, other = MLP(hidden=(8,), seed=1), MLP(hidden=(8,), seed=2)
    torch.set_rng_state(before)
    for p, q, r in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
        assert not torch.equal(p, r)


def test_layers_of_equal_shape_are_drawn_apart():
    mlp = MLP(image_shape=(1, 2, 4), hidden=(8, 8))
    weights = [p for p in mlp.parameters() if p.dim() == 2]
    for a, b in itertools.combinations(weights, 2):
        assert not torch.equal(a, b)


def test_without_init_range_each_layer_has_its_default():
    mlp = MLP(init_range=None, hidden=(16,))
    bounds = [p.abs().max().item() for p in mlp.parameters() if p.dim() == 2]
    assert 0.99 / math.sqrt(784) < bounds[0] <= 1 / math.sqrt(784)
    assert 0.99 / math.sqrt(16) < bounds[1] <= 1 / math.sqrt(16)


def test_memory_layout_and_empty_batches():
    mlp = MLP(image_shape=(3, 4, 5), hidden=(8,))
    x = torch.rand(2, 3, 4, 5, generator=generator(0))
    assert torch.equal(mlp(x.to(memory_format=torch.channels_last)), mlp(x))
    assert mlp(x[:0]).shape == (0, 3, 4, 5)


def test_no_hidden_layer_is_an_affine_map():
    mlp = MLP(image_shape=(1, 2, 2), hidden=[]).double()
    a, b = torch.rand(2, 1, 1, 2, 2, generator=generator(0), dtype=torch.float64)
    torch.testing.assert_close(mlp((a + b) / 2), (mlp(a) + mlp(b)) / 2)


@pytest.mark.parametrize("shape", [(2, 1, 28, 27), (2, 3, 28, 28), (1, 28, 28), (2, 784), (2, 1, 14, 56)])
def test_images_of_another_size_are_refused_in_one_line(shape):
    with pytest.raises(ImagingError) as caught:
        MLP()(torch.zeros(shape))
    message = str(caught.value)
    assert str(shape) in message
    assert "(N, 1, 28, 28)" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("image_shape", [28, 28]),
        ("image_shape", [1, 0, 28]),
        ("image_shape", [1, 28.0, 28]),
        ("hidden", [32, -1]),
        ("hidden", ["32"]),
        ("hidden", 32),
        ("init_range", 0.0),
        ("init_range", -0.1),
        ("init_range", float("nan")),
        ("seed", "one"),
        ("depth", 3),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting, value):
    with pytest.raises(ImagingError, match=setting):
        build_model({"name": "mlp", setting: value})
