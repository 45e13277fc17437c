"""Linear and ReLU with backward passes written out, and the modules on them.

For y = x Wᵀ + b over rows x, and an upstream gradient g = dL/dy (Goodfellow et al., Deep Learning, 2016,
section 6.5.6):

    dL/dx = g W        dL/dW = gᵀ x        dL/db = sum of g over the rows

and for y = max(x, 0): dL/dx = g where y > 0, else 0, so the derivative at 0 is taken as 0.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Function(torch.autograd.Function):
    """A Function that has a `jvp`, can be compiled without a graph break, and is cheap to call.

    torch.compile refuses a Function that defines `jvp`. It looks at the class, and never calls its `apply`.
    So the class that is named in a program has `forward` and `backward` only, and its `apply` calls the
    subclass that `eager` names, which adds `jvp`.
    """

    eager: type["_Function"]

    @classmethod
    def apply(cls, *args):
        if torch._C._are_functorch_transforms_active():
            return super(_Function, cls.eager).apply(*args)
        # The stock `apply` binds the arguments to `inspect.signature(forward)` at every call, which takes
        # longer than a small layer. All arguments are given here: its own superclass can have them at once.
        return super(torch.autograd.Function, cls.eager).apply(*args)


class LinearFunction(_Function):
    """y = x Wᵀ + b, of which only what autograd asks for is saved and computed.

    Works under autocast as `torch.nn.functional.linear` does, under torch.func (grad, vmap, jvp),
    forward-mode AD and torch.compile, and can be differentiated any number of times.

    Call as `LinearFunction.apply(x, weight, bias)`:

    Args:
        x: (..., d_in), any number of leading dimensions, none included.
        weight: (d_out, d_in).
        bias: (d_out,) or None.

    Returns:
        (..., d_out).

    Raises:
        ValueError: the shapes do not fit together.
    """

    @classmethod
    def apply(cls, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return super().apply(x, weight, bias)

    @staticmethod
    def forward(x, weight, bias=None):
        d_out, d_in = weight.shape if weight.dim() == 2 else (None, None)
        if x.dim() == 0 or x.shape[-1] != d_in or not (bias is None or bias.shape == (d_out,)):
            given = ", ".join(str(t if t is None else tuple(t.shape)) for t in (x, weight, bias))
            raise ValueError(f"linear takes x (..., d_in), weight (d_out, d_in), bias (d_out,); got {given}")
        return F.linear(x, weight, bias)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight = inputs[:2]
        needs_x, needs_weight = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_weight else None, weight if needs_x else None)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        # torch.compile, unlike the stock `apply`, does not fill in a bias that was left out.
        needs_x, needs_weight, *needs_bias = ctx.needs_input_grad
        grad_x = grad_weight = grad_bias = None
        # Under autocast g is of lower precision than what was saved. What is returned, autograd casts to the
        # dtype of the input.
        if needs_x:
            grad_x = g @ _cast_conj(weight, g.dtype)
        if needs_weight:
            grad_weight = _rows(g).t() @ _rows(_cast_conj(x, g.dtype))
        if any(needs_bias):
            grad_bias = _rows(g).sum(0)
        return grad_x, grad_weight, grad_bias

    @staticmethod
    def vmap(info, in_dims, x, weight, bias):
        if in_dims[1] is None and in_dims[2] is None:
            return LinearFunction.apply(x.movedim(in_dims[0], 0), weight, bias), 0
        # One weight for each x, as in an ensemble: a batched product, which is not this Function's.
        return torch.vmap(LinearFunction.forward, in_dims)(x, weight, bias), 0


class _EagerLinear(LinearFunction):
    @staticmethod
    def setup_context(ctx, inputs, output):
        LinearFunction.setup_context(ctx, inputs, output)
        # Kept only where an input carries a tangent.
        ctx.save_for_forward(*inputs[:2], output)

    @staticmethod
    def jvp(ctx, x_t, weight_t, bias_t):
        x, weight, y = ctx.saved_tensors
        y_t = torch.zeros_like(y)
        if x_t is not None:
            y_t = y_t + LinearFunction.forward(x_t, weight)
        if weight_t is not None:
            y_t = y_t + LinearFunction.forward(x, weight_t)
        if bias_t is not None:
            y_t = y_t + bias_t.to(y.dtype)
        return y_t


LinearFunction.eager = _EagerLinear


def _rows(t: Tensor) -> Tensor:
    """(..., d) as a matrix of rows; unlike reshape(-1, d) also where d is 0."""
    return t if t.dim() == 2 else t.reshape(t.shape[:-1].numel(), t.shape[-1])


def _cast_conj(t: Tensor, dtype: torch.dtype) -> Tensor:
    """The conjugate, where t is complex, in `dtype`; asking first is much cheaper than a cast to the same."""
    return (t if t.dtype == dtype else t.to(dtype)).conj()


class ReLUFunction(_Function):
    """y = max(x, 0), with derivative 0 at 0. NaN stays NaN, and lets its gradient pass, as in `torch.relu`.

    Works wherever `LinearFunction` does. Call as `ReLUFunction.apply(x)`, with x of any shape.
    """

    @staticmethod
    def forward(x):
        return torch.relu(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        # The output, not the input: the next linear layer saves it too, so it takes no memory of its own.
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        # g where y > 0, in one pass; by `where` or `masked_fill` it takes twenty times as long on a CPU.
        return torch.ops.aten.threshold_backward(g, y, 0)

    @staticmethod
    def vmap(info, in_dims, x):
        return ReLUFunction.apply(x), in_dims[0]


class _EagerReLU(ReLUFunction):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ReLUFunction.setup_context(ctx, inputs, output)
        ctx.save_for_forward(output)

    @staticmethod
    def jvp(ctx, x_t):
        # The derivative is a diagonal matrix, its own transpose.
        return ReLUFunction.backward(ctx, x_t)


ReLUFunction.eager = _EagerReLU


class Linear(nn.Module):
    """`nn.Linear` on `LinearFunction`: (..., in_features) to (..., out_features), same names of parameters.

    Args:
        in_features, out_features: d_in and d_out.
        bias: whether there is one.
        init_range: weight and bias are drawn from U(-init_range, init_range); None: 1/sqrt(d_in).
        generator: where they are drawn from; None: the global state.

    Raises:
        ValueError: in `forward`, the last dimension of x is not in_features.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init_range: float | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features)) if bias else None)
        self.reset_parameters(init_range, generator)

    @torch.no_grad()
    def reset_parameters(self, init_range: float | None = None, generator: torch.Generator | None = None):
        """Draw weight and bias anew; the arguments are those of the class."""
        if init_range is None:
            init_range = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        for parameter in self.parameters():
            parameter.uniform_(-init_range, init_range, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return LinearFunction.apply(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class ReLU(nn.Module):
    """`nn.ReLU` on `ReLUFunction`; any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return ReLUFunction.apply(x)
