"""imaging/autograd.py under torch.func, forward mode, autocast and torch.compile."""

import pytest
import torch
import torch.nn.functional as F
from networks import draw, linear, relu, twins
from torch.autograd import forward_ad
from torch.func import hessian, jacfwd, jacrev

from imaging.autograd import LinearFunction, ReLUFunction


def loss_of(network):
    return lambda params, x: torch.func.functional_call(network, params, (x,)).square().sum()


def test_gradients_per_image():
    own, torchs = twins()
    x = draw(3, 6, grad=False)
    per_image = [
        torch.func.vmap(torch.func.grad(loss_of(network)), in_dims=(None, 0))(
            {k: p.detach() for k, p in network.named_parameters()}, x
        )
        for network in (own, torchs)
    ]
    for name, expected in per_image[1].items():
        torch.testing.assert_close(per_image[0][name], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "in_dims",
    [(0, None, None), (1, None, None), (None, 0, None), (None, None, 0), (0, 2, 1), (0, 0, None), (-1, 0, 0)],
)
def test_vmap_over_any_argument(in_dims):
    sizes = {0: (3, 4), 1: (5, 4), 2: (5,)}

    def argument(i):
        return draw(*sizes[i]) if in_dims[i] is None else draw(2, *sizes[i]).movedim(0, in_dims[i])

    args = [argument(i) for i in range(3)]
    own, expected = (torch.func.vmap(f, in_dims)(*args) for f in (linear, F.linear))
    torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)
    own, expected = (torch.autograd.grad(y.square().sum(), args) for y in (own, expected))
    torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)
    tangents = tuple(torch.ones_like(a) for a in args)
    own, expected = (
        torch.func.jvp(torch.func.vmap(f, in_dims), tuple(args), tangents)[1] for f in (linear, F.linear)
    )
    torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)
    if in_dims[0] is not None:
        x = args[0]
        own, expected = (torch.func.vmap(f, in_dims[0], in_dims[0])(x) for f in (relu, torch.relu))
        assert torch.equal(own, expected)


@pytest.mark.parametrize("asked", range(1, 8))
def test_jvp_for_every_subset_of_inputs(asked):
    inputs = [draw(2, 4), draw(3, 4), draw(3)]
    with forward_ad.dual_level():
        duals = [
            forward_ad.make_dual(t, torch.ones_like(t)) if asked >> i & 1 else t for i, t in enumerate(inputs)
        ]
        own, expected = (forward_ad.unpack_dual(f(*duals)).tangent for f in (linear, F.linear))
    torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)


def test_hessians_of_a_network_by_every_order_of_modes():
    own, torchs = twins()
    x = draw(6)
    expected = hessian(lambda x: torchs(x).square().sum())(x)
    assert expected.abs().max() > 0
    for outer in (jacfwd, jacrev):
        for inner in (jacfwd, jacrev):
            found = outer(inner(lambda x: own(x).square().sum()))(x)
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_gradient_penalty_by_double_backward():
    found = []
    for network in twins():
        x = draw(3, 6)
        (g,) = torch.autograd.grad(network(x).square().sum(), x, create_graph=True)
        g.square().sum().backward()
        found.append([x.grad, *(p.grad for p in network.parameters())])
    for own, expected in zip(*found, strict=True):
        if expected is None:
            assert own is None or own.abs().max() == 0
        else:
            torch.testing.assert_close(own, expected, rtol=1e-10, atol=1e-12)


def test_autocast_computes_in_bfloat16_and_returns_float32_gradients():
    found = []
    for network in twins(torch.float32):
        x = draw(3, 6, dtype=torch.float32)
        with torch.autocast("cpu", torch.bfloat16):
            y = network(x)
        y.float().square().sum().backward()
        found.append([y, x.grad, *(p.grad for p in network.parameters())])
    assert found[0][0].dtype == torch.bfloat16
    for own, expected in zip(*found, strict=True):
        assert own.dtype == expected.dtype
        torch.testing.assert_close(own, expected, rtol=2e-2, atol=2e-2)


def test_autocast_leaves_float64_alone_and_works_in_forward_mode():
    x, weight, bias = draw(2, 4), draw(3, 4), draw(3)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, weight, bias).dtype == torch.float64
        args = tuple(t.detach().float() for t in (x, weight, bias))
        y, y_t = torch.func.jvp(linear, args, args)
    assert y.dtype == y_t.dtype == torch.bfloat16
    torch.testing.assert_close(y_t.double(), 2 * x @ weight.T + bias, rtol=5e-2, atol=5e-2)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("shape", [(3, 6), (6,), (2, 3, 6)])
def test_compiles_without_a_graph_break(shape, autocast):
    own, _ = twins(torch.float32)
    compiled = torch.compile(own, backend="aot_eager", fullgraph=True)
    found = []
    for network in (compiled, own):
        own.zero_grad()
        x = draw(*shape, dtype=torch.float32)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y = network(x)
        y.float().square().sum().backward()
        found.append([y, x.grad, *(p.grad for p in own.parameters())])
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.parametrize("bias", [(), (None,)])
def test_functions_compile_when_called_by_name(bias):
    def f(x, weight):
        return ReLUFunction.apply(LinearFunction.apply(x, weight, *bias))

    x, weight = draw(3, 4), draw(5, 4)
    compiled = torch.compile(f, backend="aot_eager", fullgraph=True)
    own = torch.autograd.grad(compiled(x, weight).sum(), (x, weight))
    expected = torch.autograd.grad(torch.relu(x @ weight.T).sum(), (x, weight))
    torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)
    torch._dynamo.reset()
