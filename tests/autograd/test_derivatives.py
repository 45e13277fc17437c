"""imaging/autograd.py against finite differences, PyTorch's own layers and the closed form."""

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from networks import draw, linear, net, relu, twins
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from imaging.autograd import Linear, ReLU
from imaging.randomness import generator

# Finite differences


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 1, 3), (0,), (2, 0)])
def test_linear_derivatives_match_finite_differences(batch, with_bias):
    inputs = draw(*batch, 4), draw(3, 4), draw(3) if with_bias else None
    assert torch.equal(linear(*inputs), F.linear(*inputs))
    assert gradcheck(linear, inputs, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(linear, inputs, check_fwd_over_rev=True)


@pytest.mark.parametrize("asked", range(1, 8))
def test_linear_derivatives_for_every_subset_of_inputs(asked):
    inputs = [draw(2, 4), draw(3, 4), draw(3)]
    for i, t in enumerate(inputs):
        t.requires_grad_(bool(asked >> i & 1))
    assert gradcheck(linear, inputs, check_forward_ad=True)
    # The second derivative in the bias is 0, and PyTorch's check wants at least one that is not None.
    if asked != 4:
        assert gradgradcheck(linear, inputs)


def test_linear_of_complex_numbers():
    inputs = [draw(2, 4, dtype=torch.complex128), draw(3, 4, dtype=torch.complex128)]
    assert gradcheck(linear, inputs, check_forward_ad=True)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4), (0, 3)])
def test_relu_derivatives_match_finite_differences(shape):
    x = draw(*shape).detach()
    x = (x + 0.1 * x.sign()).requires_grad_()  # keep away from the kink
    assert gradcheck(relu, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(relu, x)


def test_non_contiguous_inputs():
    x, weight, bias = draw(4, 2, 3).permute(2, 1, 0), draw(4, 3).t(), draw(3, 2)[:, 0]
    assert not any(t.is_contiguous() for t in (x, weight, bias))
    assert gradcheck(linear, (x, weight, bias), check_forward_ad=True)
    assert gradcheck(relu, (x,))
    assert gradcheck(lambda x: linear(x.expand(5, 4), weight, bias), draw(1, 4))


@pytest.mark.parametrize("shapes", [((0, 4), (3, 4), (3,)), ((2, 0), (3, 0), (3,)), ((2, 4), (0, 4), (0,))])
def test_dimensions_of_size_zero(shapes):
    inputs = [draw(*shape) for shape in shapes]
    own = torch.autograd.grad(linear(*inputs).sum(), inputs)
    expected = torch.autograd.grad(F.linear(*inputs).sum(), inputs)
    for a, b in zip(own, expected, strict=True):
        assert a.shape == b.shape
        assert torch.equal(a, b)


# Values


def test_relu_at_zero_nan_and_infinity():
    values = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1.0, -1.0]
    for upstream in (1.0, float("nan"), float("inf")):
        x = torch.tensor(values, requires_grad=True)
        y = relu(x)
        (own,) = torch.autograd.grad(y, x, torch.full_like(x, upstream))
        expected = torch.relu(x)
        (expected_grad,) = torch.autograd.grad(expected, x, torch.full_like(x, upstream))
        torch.testing.assert_close(y, expected, equal_nan=True, rtol=0, atol=0)
        torch.testing.assert_close(own, expected_grad, equal_nan=True, rtol=0, atol=0)
    assert own[0] == own[1] == 0


def test_closed_form_of_the_three_layer_network():
    n, d, h = 7, 6, 5
    x, target = draw(n, d, key="x", grad=False), draw(n, d, key="target", grad=False)
    W1, W2, W3 = draw(h, d, key="1"), draw(h, h, key="2"), draw(d, h, key="3")
    b1, b2, b3 = draw(h, key="1"), draw(h, key="2"), draw(d, key="3")

    y_hat = linear(relu(linear(relu(linear(x, W1, b1)), W2, b2)), W3, b3)
    (0.5 * (y_hat - target).square().sum()).backward()

    with torch.no_grad():
        z1 = x @ W1.T + b1
        z2 = z1.clamp(min=0) @ W2.T + b2
        error = z2.clamp(min=0) @ W3.T + b3 - target
        delta2 = error @ W3 * (z2 > 0)
        delta1 = delta2 @ W2 * (z1 > 0)
        torch.testing.assert_close(W3.grad, error.T @ z2.clamp(min=0), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(W2.grad, delta2.T @ z1.clamp(min=0), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(W1.grad, delta1.T @ x, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(b1.grad, delta1.T @ torch.ones(n, dtype=x.dtype), rtol=1e-12, atol=1e-12)
    assert W1.grad.abs().min(dim=1).values.max() > 0, "all units of the first layer are dead: nothing tested"


# Nothing that is not asked for


class Count(TorchDispatchMode):
    """Counts the operations that the gradients cost: products, and sums."""

    def __init__(self):
        super().__init__()
        self.products = self.sums = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.products += name in ("mm", "mv", "addmm", "bmm", "baddbmm", "matmul", "dot")
        self.sums += name == "sum"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("asked", range(1, 8))
def test_only_what_is_asked_for_is_computed_and_saved(asked):
    needs_x, needs_weight, needs_bias = (bool(asked >> i & 1) for i in range(3))
    x, weight, bias = draw(5, 4, grad=needs_x), draw(3, 4, grad=needs_weight), draw(3, grad=needs_bias)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.shape) or t, lambda t: t):
        y = linear(x, weight, bias)
    assert saved == [x.shape] * needs_weight + [weight.shape] * needs_x
    with Count() as count:
        y.backward(torch.ones_like(y))
    assert (count.products, count.sums) == (needs_x + needs_weight, int(needs_bias))


def test_first_layer_of_a_network_computes_no_gradient_of_the_image():
    own, torchs = twins()
    counts = []
    for network in (own, torchs):
        loss = network(draw(3, 6, grad=False)).square().mean()
        with Count() as count:
            loss.backward()
        counts.append(count.products)
    assert counts == [5, 5]


def test_nothing_is_kept_when_no_gradient_is_needed():
    x, weight = draw(5, 4, grad=False), draw(3, 4, grad=False)
    bias = draw(3)
    alive = weakref.ref(x)
    y = relu(linear(x, weight, bias))
    hidden = weakref.ref(y)
    del x
    gc.collect()
    assert alive() is None, "the input is kept though only the bias is trained"
    del y
    gc.collect()
    assert hidden() is None, "ReLU keeps its output alive"


def test_relu_saves_the_tensor_that_the_next_layer_saves():
    y = relu(draw(5, 4))
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.data_ptr()) or t, lambda t: t):
        linear(relu(y), draw(3, 4))
    assert len(saved) == 3  # ReLU's output, as output and as input, and the weight
    assert saved[0] == saved[1]


# Modules


def test_modules_exchange_state_with_torch():
    own, torchs = (
        net(Linear, ReLU),
        nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 6)).double(),
    )
    torchs.load_state_dict(own.state_dict())
    assert list(own.state_dict()) == list(torchs.state_dict())
    x = draw(3, 6)
    assert torch.equal(own(x), torchs(x))
    assert list(Linear(3, 2, bias=False).state_dict()) == ["weight"]
    assert repr(Linear(3, 2)) == "Linear(3, 2, bias=True)"


def test_default_initialisation_is_uniform_in_one_over_root_d_in():
    layer = Linear(25, 4000)
    for p in (layer.weight, layer.bias):
        assert p.abs().max() <= 0.2
        assert p.max() > 0.199
        assert p.min() < -0.199
        assert abs(p.std().item() - 0.2 / 3**0.5) < 0.005


def test_initialisation_from_a_generator_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    a, b = (Linear(5, 3, init_range=0.1, generator=generator(1, "init")) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a.weight, b.weight)
    assert a.weight.abs().max() <= 0.1


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 5), (3, 4), (3,)),
        ((2, 4), (3, 4), (1,)),
        ((), (3, 4), None),
        ((2, 4), (4,), None),
        ((2, 4), (3, 4), ()),
    ],
)
def test_shapes_that_do_not_fit_are_named_in_one_line(shapes):
    args = [None if shape is None else torch.zeros(shape) for shape in shapes]
    with pytest.raises(ValueError, match="linear takes x") as caught:
        linear(*args)
    message = str(caught.value)
    assert "\n" not in message
    assert all(str(shape) in message for shape in shapes)


def test_shape_propagation_on_meta_tensors():
    y = Linear(4, 3).to("meta")(torch.empty(2, 4, device="meta"))
    assert y.shape == (2, 3)
    assert y.device.type == "meta"
