"""Linear and ReLU with explicit backward passes, and the modules that use them.

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
    """A Function with a `jvp` that compiles without a graph break and is cheap to call.

    torch.compile rejects a Function that defines `jvp`. It inspects the class and never calls its `apply`.
    So the public class has only `forward` and `backward`, and its `apply` calls the subclass `eager`, which
    adds `jvp`.
    """

    eager: type["_Function"]

    @classmethod
    def apply(cls, *args):
        if torch._C._are_functorch_transforms_active():
            return super(_Function, cls.eager).apply(*args)
        # The stock `apply` binds the arguments to `inspect.signature(forward)` on every call, which takes
        # longer than a small layer. All arguments are present here, so its superclass can take them directly.
        return super(torch.autograd.Function, cls.eager).apply(*args)


class LinearFunction(_Function):
    """y = x Wᵀ + b; only the gradients that autograd needs are saved for and computed.

    Works under autocast as `torch.nn.functional.linear` does, under torch.func (grad, vmap, jvp),
    forward-mode AD and torch.compile, and can be differentiated any number of times.

    Call as `LinearFunction.apply(x, weight, bias)`:

    Args:
        x: (..., d_in), any number of leading dimensions, including none.
        weight: (d_out, d_in).
        bias: (d_out,) or None.

    Returns:
        (..., d_out).

    Raises:
        ValueError: the shapes do not match.
    """

    @classmethod
    def apply(cls, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return super().apply(x, weight, bias)

    @staticmethod
    def forward(x, weight, bias=None):
        d_out, d_in = weight.shape if weight.dim() == 2 else (None, None)
        if x.dim() == 0 or x.shape[-1] != d_in or not (bias is None or bias.shape == (d_out,)):
            shapes = ", ".join(str(t if t is None else tuple(t.shape)) for t in (x, weight, bias))
            raise ValueError(f"linear takes x (..., d_in), weight (d_out, d_in), bias (d_out,); got {shapes}")
        return F.linear(x, weight, bias)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight = inputs[:2]
        needs_x, needs_weight = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if needs_weight else None, weight if needs_x else None)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        # torch.compile, unlike the stock `apply`, does not fill in an omitted bias.
        needs_x, needs_weight, *needs_bias = ctx.needs_input_grad
        grad_x = grad_weight = grad_bias = None
        # Under autocast g has lower precision than the saved tensors; autograd casts the results back.
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
        # One weight for each x, as in an ensemble: a batched product, which this Function does not compute.
        return torch.vmap(LinearFunction.forward, in_dims)(x, weight, bias), 0


class _EagerLinear(LinearFunction):
    @staticmethod
    def setup_context(ctx, inputs, output):
        LinearFunction.setup_context(ctx, inputs, output)
        # torch keeps these only if an input has a tangent.
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
    """Reshape (..., d) to a matrix of rows; unlike reshape(-1, d), also for d = 0."""
    return t if t.dim() == 2 else t.reshape(t.shape[:-1].numel(), t.shape[-1])


def _cast_conj(t: Tensor, dtype: torch.dtype) -> Tensor:
    """Cast t to `dtype` and conjugate it if complex; a cast to the same dtype is slow, so it is skipped."""
    return (t if t.dtype == dtype else t.to(dtype)).conj()


class ReLUFunction(_Function):
    """y = max(x, 0), with derivative 0 at 0. NaN stays NaN and passes its gradient, as in `torch.relu`.

    Works under autocast, torch.func (grad, vmap, jvp), forward-mode AD and torch.compile.
    Call as `ReLUFunction.apply(x)`, with x of any shape.
    """

    @staticmethod
    def forward(x):
        return torch.relu(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        # Save the output, not the input: the next linear layer saves it too, so it takes no extra memory.
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        # g where y > 0, in one pass; `where` or `masked_fill` take twenty times as long on a CPU.
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
        # The Jacobian is diagonal, so it equals its transpose.
        return ReLUFunction.backward(ctx, x_t)


ReLUFunction.eager = _EagerReLU


class Linear(nn.Module):
    """`nn.Linear` with `LinearFunction`: (..., in_features) to (..., out_features), the same parameter names.

    Args:
        in_features, out_features: d_in and d_out.
        bias: whether to add a bias.
        init_range: weight and bias are drawn from U(-init_range, init_range); None: 1/sqrt(d_in).
        generator: source of the initial weights; None: the global state.

    Raises:
        ValueError: in `forward`, if the last dimension of x is not in_features.
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
        """Redraw weight and bias from U(-init_range, init_range); None: 1/sqrt(d_in)."""
        if init_range is None:
            init_range = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        for parameter in self.parameters():
            parameter.uniform_(-init_range, init_range, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return LinearFunction.apply(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class ReLU(nn.Module):
    """`nn.ReLU` with `ReLUFunction`; any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return ReLUFunction.apply(x)
