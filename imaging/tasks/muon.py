"""Muon: gradient descent whose step in each weight is an orthogonal matrix."""

from collections import defaultdict

import torch
from torch import Tensor

# An odd polynomial of which five rounds multiply small singular values by 480 and bring those from 0.003 to 1
# to 0.7 … 1.2 (Jordan et al. 2024): steep at 0, at the price of never arriving at 1.
COEFFICIENTS, ROUNDS = (3.4445, -4.7750, 2.0315), 5
# Adam's usual root mean square update is some 0.2 of its learning rate (Liu et al. 2025, arXiv:2502.16982):
# with this, the two take the same learning rates.
RMS = 0.2


def orthogonalise(matrices: Tensor) -> Tensor:
    """U V^T, nearly, of each G = U S V^T: its singular values made about 1, by products of matrices alone.

    Args:
        matrices: (N, rows, columns).
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) for matrices, AdamW for the rest.

    A convolution's weight (out, in, k, k) is the matrix (out, in·k·k). The gradient's Nesterov average is
    made orthogonal, so that directions in which the gradient is small, but steadily so, are followed as far
    as those in which it is large: with Adam, a denoiser needs several times as many steps to the same PSNR.

    torch.optim.Muon, of torch 2.9 and later, takes plain matrices alone.

    Args:
        parameters: of the network.
        lr: of both, on Adam's scale.
        momentum: of matrices.
        betas: of the others.
        weight_decay: decoupled, of both.

    Example:
        >>> layer = torch.nn.Linear(4, 3)
        >>> optimizer = Muon(layer.parameters(), 1e-3, momentum=0.95, betas=(0.9, 0.999), weight_decay=0.0)
        >>> layer(torch.rand(2, 4)).sum().backward()
        >>> optimizer.step()

    State: of a matrix its average `momentum`; of another parameter Adam's `mean` and `square`.
    """

    def __init__(self, parameters, lr: float, momentum: float, betas: tuple, weight_decay: float):
        parameters = list(parameters)
        settings = {"lr": lr, "weight_decay": weight_decay, "steps": 0}
        groups: list[dict] = [
            {"params": [p for p in parameters if p.dim() > 1], "momentum": momentum},
            {"params": [p for p in parameters if p.dim() <= 1], "betas": betas},
        ]
        super().__init__([group for group in groups if group["params"]], settings)

    @torch.no_grad()
    def step(self, closure=None):
        """Go one step down along the gradients.

        Args:
            closure: computes the loss and the gradients first.

        Returns:
            the closure's loss, or None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            group["steps"] += 1
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            if "momentum" in group:
                self._step_of_matrices(group, weights)
            else:
                self._step_of_vectors(group, weights)
        return loss

    def _step_of_matrices(self, group: dict, weights: list[Tensor]) -> None:
        averages = self._state("momentum", weights)
        gradients = [p.grad for p in weights]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, averages, group["momentum"])
        # Those of one shape share their products: a small network is bound by the number of calls.
        alike = defaultdict(list)
        for p, direction in zip(weights, ahead, strict=True):
            alike[p.shape].append((p, direction.flatten(1)))
        for shape, members in alike.items():
            steps = orthogonalise(torch.stack([matrix for _, matrix in members]))
            size = RMS * max(steps.shape[1:]) ** 0.5
            views = [step.view(shape) for step in steps]
            torch._foreach_add_([p for p, _ in members], views, alpha=-group["lr"] * size)

    def _step_of_vectors(self, group: dict, weights: list[Tensor]) -> None:
        means, squares = self._state("mean", weights), self._state("square", weights)
        gradients, (beta1, beta2), n = [p.grad for p in weights], group["betas"], group["steps"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_div_(scales, (1 - beta2**n) ** 0.5)
        torch._foreach_add_(scales, 1e-8)
        torch._foreach_addcdiv_(weights, means, scales, -group["lr"] / (1 - beta1**n))

    def _state(self, name: str, weights: list[Tensor]) -> list[Tensor]:
        for p in weights:
            if name not in self.state[p]:
                self.state[p][name] = torch.zeros_like(p)
        return [self.state[p][name] for p in weights]
