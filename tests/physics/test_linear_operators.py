"""One table of operators, run against the properties that every linear operator has.

A new operator adds one line to the table; the last tests fail until it does.
"""

import pkgutil

import pytest
import torch

import imaging.physics
from imaging.physics import OPERATORS
from imaging.randomness import generator

TABLE = {
    "identity": {"name": "identity"},
    "rows": {"name": "mask", "rows": [2, 4]},
    "random pixels": {"name": "mask", "lost": 0.4},
    "digit blur": {"name": "blur", "psf": {"name": "digit"}},
    "even-sized blur": {"name": "blur", "psf": {"name": "gaussian", "sigma": 1.0, "size": 4}},
    "motion blur": {"name": "blur", "psf": {"name": "motion", "length": 5, "angle": 30}},
}
SIZES = [(1, 1, 8, 8), (2, 3, 9, 12), (3, 1, 12, 9)]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=TABLE, ids=list(TABLE))
def operator(request):
    return OPERATORS.build(TABLE[request.param])


def images(shape, *keys, dtype=torch.float64):
    return torch.randn(shape, generator=generator(0, "test", *keys), dtype=dtype)


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_adjointness(operator, shape):
    x, y = images(shape, "x"), images(shape, "y")
    assert (operator(x) * y).sum().item() == pytest.approx((x * operator.adjoint(y)).sum().item(), rel=1e-10)


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_linearity(operator, shape):
    x, z = images(shape, "x"), images(shape, "z")
    assert torch.allclose(operator(2 * x - 3 * z), 2 * operator(x) - 3 * operator(z), atol=1e-12)
    assert torch.allclose(operator.adjoint(2 * x - 3 * z), 2 * operator.adjoint(x) - 3 * operator.adjoint(z))


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_images_and_channels_do_not_mix(operator, shape):
    x = images(shape, "x")
    alone = torch.stack([torch.cat([operator(c[None, None])[0] for c in image]) for image in x])
    assert torch.allclose(operator(x), alone, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_shape_dtype_and_device_are_kept(operator, dtype, device):
    x = images(SIZES[1], "x").to(device, dtype)
    for y in (operator(x), operator.adjoint(x)):
        assert (y.shape, y.dtype, y.device) == (x.shape, x.dtype, x.device)


@pytest.mark.parametrize("device", DEVICES)
def test_single_precision_agrees_with_double(operator, device):
    x = images(SIZES[1], "x")
    assert torch.allclose(operator(x.float().to(device)).double().cpu(), operator(x), atol=1e-5)


def test_gradient_is_the_adjoint(operator):
    x, y = images(SIZES[1], "x").requires_grad_(), images(SIZES[1], "y")
    (gradient,) = torch.autograd.grad(operator(x), x, y)
    assert torch.allclose(gradient, operator.adjoint(y), atol=1e-12)


def test_layout_does_not_matter(operator):
    x = images(SIZES[1], "x", dtype=torch.float32)
    y = operator(x.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(y, operator(x), atol=1e-6)


def test_input_is_left_alone(operator):
    x = images(SIZES[1], "x")
    before = x.clone()
    operator(x)
    operator.adjoint(x)
    assert torch.equal(x, before)


def test_nothing_is_learnt_and_nothing_is_saved(operator):
    operator(images(SIZES[1], "x"))
    assert list(operator.parameters()) == []
    assert operator.state_dict() == {}


def test_every_registered_operator_is_in_the_table():
    assert {config["name"] for config in TABLE.values()} == set(OPERATORS.names())


MODULES = [module.name for module in pkgutil.iter_modules(imaging.physics.__path__)]


def test_every_operator_has_an_example(operator):
    assert ">>>" in type(operator).__doc__
