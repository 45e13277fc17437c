# %% [markdown]
# # Backpropagation by hand
#
# A layer y = x Wᵀ + b takes rows x, shape (n, d_in), to rows y, shape (n, d_out). The loss L is a number.
# Backpropagation hands the layer the upstream gradient g = dL/dy, of y's shape, and the layer must return
#
#     dL/dx = g W        dL/dW = gᵀ x        dL/db = sum of g over the rows
#
# Each follows from the chain rule: y_ij = Σ_k x_ik W_jk + b_j, so that dL/dx_ik = Σ_j g_ij W_jk. We write
# the layer, compare it with finite differences and with torch, and train with it.

# %%
import matplotlib.pyplot as plt
import torch

import imaging

torch.manual_seed(0)


class LinearByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return x @ weight.t() + bias

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        return g @ weight, g.t() @ x, g.sum(0)


class ReLUByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x > 0)


# %% [markdown]
# ## Finite differences
#
# A gradient that is wrong by a factor still trains, more slowly. So each is compared with (L(x + h) - L(x -
# h)) / 2h, in float64, one element at a time.

# %%
x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
weight = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
bias = torch.randn(5, dtype=torch.float64, requires_grad=True)


def loss(x, weight, bias):
    return ReLUByHand.apply(LinearByHand.apply(x, weight, bias)).square().sum()


loss(x, weight, bias).backward()
for name, tensor in (("x", x), ("W", weight), ("b", bias)):
    numeric = torch.zeros_like(tensor)
    for index in range(tensor.numel()):
        h = torch.zeros(tensor.numel(), dtype=torch.float64)
        h[index] = 1e-6
        h = h.reshape(tensor.shape)
        ends = [
            loss(*(t.detach() + sign * h if t is tensor else t.detach() for t in (x, weight, bias)))
            for sign in (1, -1)
        ]
        numeric.view(-1)[index] = (ends[0] - ends[1]) / 2e-6
    largest = (numeric - tensor.grad).abs().max().item()
    print(f"dL/d{name}: largest difference {largest:.1e}")
    assert largest < 1e-7

# %% [markdown]
# ## An image filled in
#
# The perceptron of the inpainting study is three of these layers. Here it learns pieces of one photograph,
# 12×12 pixels, whose lower half is lost.

# %%
(_, image), *_ = imaging.data("bundled", channels=1, crop=[256, 256]).test_images()
pieces = (image[0] / 255).unfold(0, 12, 4).unfold(1, 12, 4).reshape(-1, 144)
measured = pieces.clone()
measured[:, 72:] = 0

layers = []
for d_in, d_out in ((144, 64), (64, 64), (64, 144)):
    w = torch.empty(d_out, d_in).uniform_(-0.1, 0.1).requires_grad_()
    layers.append((w, torch.zeros(d_out, requires_grad=True)))


def network(y):
    for number, (w, b) in enumerate(layers):
        y = LinearByHand.apply(y, w, b)
        if number < len(layers) - 1:
            y = ReLUByHand.apply(y)
    return y


losses = []
for _ in range(1500):
    batch = torch.randint(len(pieces), (64,))
    value = (network(measured[batch]) - pieces[batch]).square().mean()
    value.backward()
    losses.append(value.item())
    with torch.no_grad():
        for parameter in (p for layer in layers for p in layer):
            parameter -= 2 * parameter.grad
            parameter.grad = None

print(f"loss {losses[0]:.4f} at the start, {sum(losses[-100:]) / 100:.4f} at the end")
assert sum(losses[-100:]) / 100 < losses[0] / 10

# %%
figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), layout="constrained")
shown = 1500
for axis, title, values in zip(
    axes, ("x", "y", "x̂"), (pieces, measured, network(measured).detach()), strict=False
):
    axis.imshow(values[shown].reshape(12, 12), "gray", vmin=0, vmax=1)
    axis.set_title(title)
    axis.set_axis_off()
axes[3].semilogy(losses)
axes[3].set_xlabel("step")
axes[3].set_title("loss")
plt.show()

# %% [markdown]
# `imaging.autograd` has these functions as the project uses them: only the gradients that are needed are
# computed, and they work under autocast, torch.func, torch.compile, and can be differentiated twice.
# `imaging lesson start backprop DIR` is an exercise of them.
