"""The lesson `backprop`: the backward passes of Linear and ReLU, and the gradients of a small perceptron."""

from collections.abc import Callable

import torch
from torch import Tensor

from imaging.lessons.exercise import (
    Exercise,
    Input,
    Lesson,
    Mistake,
    Outputs,
    exchanged,
    forgotten,
    left_out,
    replaced,
    transposed,
)
from imaging.randomness import generator

AVERAGED, WRONG_DIMENSION = "mean where the sum belongs", "summed over the wrong dimension"
STEP = 1e-5  # of finite differences


def draw(*shape: int, key: str) -> Tensor:
    """Normal numbers that depend on the shape and the key: float64."""
    return torch.randn(shape, generator=generator("backprop", key, *shape), dtype=torch.float64)


def finite_differences(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient of a number that depends on a tensor, by central differences: the tensor's shape."""
    gradient = torch.zeros_like(at)
    for index in range(at.numel()):
        step = torch.zeros_like(at)
        step.view(-1)[index] = STEP
        gradient.view(-1)[index] = (loss(at + step) - loss(at - step)) / (2 * STEP)
    return gradient


# linear_backward


def linear_backward(
    x: Tensor,
    weight: Tensor,
    grad_y: Tensor,
    *,
    bias_of: Callable[[Tensor], Tensor] = lambda g: g.sum(0),
    rows: str = "all",
    averaged: bool = False,
) -> Outputs:
    """The gradients of y = x Wᵀ + b, as in `imaging.autograd.LinearFunction`."""
    chosen = {"all": slice(None), "first": slice(1), "last": slice(-1, None)}[rows]
    share = 1 / len(x) if averaged else 1.0
    grad_weight, grad_bias = grad_y[chosen].mT @ x[chosen], bias_of(grad_y[chosen])
    return grad_y @ weight * share, grad_weight * share, grad_bias * share


def numerical_linear(x: Tensor, weight: Tensor, grad_y: Tensor) -> Outputs:
    """The gradients of the sum of (x Wᵀ + b) · grad_y, by finite differences; they are the same for any b."""
    bias = torch.zeros(len(weight), dtype=x.dtype)
    return (
        finite_differences(lambda t: (t @ weight.T * grad_y).sum(), x),
        finite_differences(lambda t: (x @ t.T * grad_y).sum(), weight),
        finite_differences(lambda t: ((x @ weight.T + t) * grad_y).sum(), bias),
    )


def linear_input(label: str, rows: int, d_in: int, d_out: int) -> Input:
    return Input(
        label,
        lambda: {
            "x": draw(rows, d_in, key="x"),
            "weight": draw(d_out, d_in, key="weight"),
            "grad_y": draw(rows, d_out, key="g"),
        },
    )


LINEAR = Exercise(
    "linear_backward",
    ("grad_x", "grad_weight", "grad_bias"),
    linear_backward,
    (
        linear_input("three rows", 3, 2, 4),
        linear_input("a batch of one", 1, 3, 2),
        linear_input("one output", 4, 3, 1),
        linear_input("as many rows as columns", 4, 4, 4),
    ),
    (
        forgotten("grad_y", "upstream gradient forgotten"),
        Mistake(WRONG_DIMENSION, {"bias_of": lambda g: g.sum(1)}),
        Mistake(AVERAGED, {"averaged": True}),
        forgotten("x"),
        forgotten("weight"),
        transposed("weight"),
        transposed("x"),
        transposed("grad_y"),
        exchanged("x", "weight"),
        Mistake("not summed over the rows", {"bias_of": lambda g: g}),
        Mistake("only the first row", {"rows": "first"}),
        Mistake("only the last row", {"rows": "last"}),
    ),
    numerical_linear,
    lambda a: {"N": len(a["x"]), "d_in": a["x"].shape[1], "d_out": len(a["weight"])},
)


# relu_backward


Factor = Callable[[Tensor, Tensor], Tensor]  # of x and the upstream gradient


def relu_backward(
    x: Tensor,
    grad_y: Tensor,
    *,
    mask: Factor = lambda x, g: x > 0,
    otherwise: Factor = lambda x, g: torch.zeros_like(x),
) -> Outputs:
    """The gradient of y = max(x, 0), as in `imaging.autograd.ReLUFunction`; `mask` gives the derivative."""
    derivative = mask(x, grad_y)
    return (grad_y * derivative + otherwise(x, grad_y) * (derivative == 0),)


def numerical_relu(x: Tensor, grad_y: Tensor) -> Outputs:
    """The gradient of the sum of max(x, 0) · grad_y by finite differences, but for 0 where x is 0."""
    gradient = finite_differences(lambda t: (t.clamp(min=0) * grad_y).sum(), x)
    return (torch.where(x == 0, torch.zeros_like(x), gradient),)


def relu_input(label: str, make: Callable[[], Tensor]) -> Input:
    return Input(label, lambda: {"x": make(), "grad_y": draw(*make().shape, key="g")})


RELU = Exercise(
    "relu_backward",
    ("grad_x",),
    relu_backward,
    (
        relu_input("random numbers", lambda: draw(3, 4, key="x")),
        relu_input(
            "whole numbers, with zeros", lambda: torch.arange(-3, 4, dtype=torch.float64)[None] % 5 - 2
        ),
        relu_input("three dimensions", lambda: draw(2, 3, 2, key="x")),
        relu_input("all negative", lambda: -draw(2, 3, key="x").abs()),
    ),
    (
        Mistake("mask of the wrong sign", {"mask": lambda x, g: x < 0}),
        Mistake("mask of the wrong sign", {"mask": lambda x, g: x <= 0}),
        Mistake("derivative at 0 is not 0", {"mask": lambda x, g: x >= 0}),
        Mistake("derivative at 0 is not 0", {"mask": lambda x, g: (x.sign() + 1) / 2}),
        forgotten("grad_y", "upstream gradient forgotten"),
        Mistake("mask forgotten", {"mask": lambda x, g: torch.ones_like(x)}),
        Mistake("mask of the upstream gradient's sign", {"mask": lambda x, g: g > 0}),
        Mistake("mask also of the upstream gradient's sign", {"mask": lambda x, g: (x > 0) & (g > 0)}),
        Mistake("value of the ReLU where its derivative belongs", {"mask": lambda x, g: x.clamp(min=0)}),
        Mistake("x where its mask belongs", {"mask": lambda x, g: x}),
        Mistake("sign of x where its mask belongs", {"mask": lambda x, g: x.sign()}),
        Mistake("mask where x > 1", {"mask": lambda x, g: x > 1}),
        Mistake("mask where x is not 0", {"mask": lambda x, g: x != 0}),
        Mistake("mask of the sign of x times the upstream gradient", {"mask": lambda x, g: x * g > 0}),
        Mistake("derivative of the sigmoid", {"mask": lambda x, g: x.sigmoid() * (1 - x.sigmoid())}),
        Mistake("slope 0.01 where 0 belongs", {"otherwise": lambda x, g: 0.01 * g}),
        Mistake("slope 0.1 where 0 belongs", {"otherwise": lambda x, g: 0.1 * g}),
        Mistake("slope -1 where 0 belongs: the derivative of |x|", {"otherwise": lambda x, g: -g}),
        Mistake("x where 0 belongs", {"otherwise": lambda x, g: x}),
        Mistake("1 where 0 belongs", {"otherwise": lambda x, g: torch.ones_like(x)}),
        exchanged("x", "grad_y"),
    ),
    numerical_relu,
)


# mse_gradients


def mse_gradients(
    x: Tensor,
    target: Tensor,
    w1: Tensor,
    b1: Tensor,
    w2: Tensor,
    b2: Tensor,
    *,
    factor: float = 2.0,
    over: str = "all",
    error: Callable[[Tensor], Tensor] = lambda difference: difference,
    mask: Callable[[Tensor, Tensor], Tensor] = lambda a, g: a > 0,
    hidden: Callable[[Tensor], Tensor] = lambda a: a.clamp(min=0),
    saved: Callable[[Tensor], Tensor] = lambda a: a.clamp(min=0),
    last_mask: bool = False,
    chain: Callable[[Tensor], Tensor] = lambda w2: w2,
    bias_mean: bool = False,
    bias_over: int = 0,
    rows_twice: bool = False,
) -> Outputs:
    """The gradients of mean((relu(x W1ᵀ + b1) W2ᵀ + b2 - target)²)."""
    a = x @ w1.T + b1
    y = hidden(a) @ w2.T + b2
    count = {"all": y.numel(), "rows": len(y), "columns": y.shape[1], "nothing": 1}[over]
    g = factor * error(y - target) / count * (y > 0 if last_mask else 1) / (len(x) if rows_twice else 1)
    g_h = g @ chain(w2)
    g_a = g_h * mask(a, g_h)
    biases = [t.mean(bias_over) if bias_mean else t.sum(bias_over) for t in (g_a, g)]
    return g_a.mT @ x, biases[0], g.mT @ saved(a), biases[1]


def numerical_mse(x: Tensor, target: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Outputs:
    """The gradients of the mean squared error in its parameters, by finite differences."""

    def loss(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        return ((((x @ w1.T + b1).clamp(min=0) @ w2.T + b2) - target) ** 2).mean()

    return (
        finite_differences(lambda t: loss(t, b1, w2, b2), w1),
        finite_differences(lambda t: loss(w1, t, w2, b2), b1),
        finite_differences(lambda t: loss(w1, b1, t, b2), w2),
        finite_differences(lambda t: loss(w1, b1, w2, t), b2),
    )


def mse_input(label: str, rows: int, d_in: int, d_hidden: int, d_out: int) -> Input:
    shapes = {
        "x": (rows, d_in), "target": (rows, d_out),
        "w1": (d_hidden, d_in), "b1": (d_hidden,), "w2": (d_out, d_hidden), "b2": (d_out,),
    }  # fmt: skip
    return Input(label, lambda: {name: draw(*shape, key=name) for name, shape in shapes.items()})


MSE = Exercise(
    "mse_gradients",
    ("grad_w1", "grad_b1", "grad_w2", "grad_b2"),
    mse_gradients,
    (
        mse_input("four rows", 4, 3, 5, 2),
        mse_input("a batch of one", 1, 2, 4, 3),
        mse_input("one output", 3, 2, 3, 1),
        mse_input("all sizes equal", 4, 4, 4, 4),
    ),
    (
        Mistake("factor 2 forgotten", {"factor": 1.0}),
        Mistake("sum where the mean belongs", {"over": "nothing"}),
        Mistake("mean over the rows only", {"over": "rows"}),
        Mistake("mean over the outputs only", {"over": "columns"}),
        Mistake("wrong sign: target - y where y - target belongs", {"factor": -2.0}),
        Mistake("mask of the ReLU forgotten", {"mask": lambda a, g: torch.ones_like(a)}),
        Mistake("mask of the wrong sign", {"mask": lambda a, g: a <= 0}),
        Mistake("value of the ReLU where its derivative belongs", {"mask": lambda a, g: a.clamp(min=0)}),
        Mistake(AVERAGED, {"bias_mean": True}),
        Mistake(WRONG_DIMENSION, {"bias_over": 1}),
        Mistake("mask of the upstream gradient's sign", {"mask": lambda a, g: g > 0}),
        Mistake("values before the ReLU where those after it belong", {"saved": lambda a: a}),
        Mistake("mask where the values after the ReLU belong", {"saved": lambda a: (a > 0).to(a)}),
        Mistake("ReLU forgotten in the forward pass", {"hidden": lambda a: a, "saved": lambda a: a}),
        Mistake(
            "ReLU forgotten", {name: lambda a: a for name in ("hidden", "saved")} | {"mask": lambda a, g: 1}
        ),
        Mistake("mask also after the last layer", {"last_mask": True}),
        Mistake("w2 forgotten in the chain rule", {"chain": torch.ones_like}),
        Mistake("w2 transposed", {"chain": lambda w2: w2.mT}),
        Mistake("error y - target forgotten", {"error": torch.ones_like}),
        Mistake("target forgotten", before=replaced("target", torch.zeros_like)),
        Mistake("sign of the error: the gradient of the mean absolute error", {"error": torch.sign}),
        Mistake("error squared, not differentiated", {"error": torch.square}),
        Mistake(
            "gradient of the root of the mean squared error",
            {"error": lambda difference: difference / 2 / difference.square().mean().sqrt()},
        ),
        Mistake("divided by the number of rows once more", {"rows_twice": True}),
        left_out("b1", "b1 forgotten in the forward pass"),
        left_out("b2", "b2 forgotten in the forward pass"),
        transposed("x"),
        forgotten("x"),
    ),
    numerical_mse,
    lambda a: {"N": len(a["x"]), "d_out": len(a["w2"]), "d_hidden": len(a["w1"]), "d_in": a["x"].shape[1]},
)

BACKPROP = Lesson("backprop", (LINEAR, RELU, MSE))
