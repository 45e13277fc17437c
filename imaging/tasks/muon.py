"""Muon: gradient descent with orthogonalised steps."""

from collections import defaultdict

import torch
from torch import Tensor

# Five iterations of this odd polynomial multiply small singular values by 480 and map [0.003, 1] to
# [0.7, 1.2] (Jordan et al. 2024). It is steep at 0, and therefore does not converge to 1.
COEFFICIENTS, ROUNDS = (3.4445, -4.7750, 2.0315), 5
# The root mean square of Adam's update is usually about 0.2 of its learning rate (Liu et al. 2025,
# arXiv:2502.16982); with this factor both use the same learning rates.
RMS = 0.2


def orthogonalise(matrices: Tensor) -> Tensor:
    """Approximate U V^T of each G = U S V^T, with singular values near 1, by matrix products only.

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

    A convolution's weight (out, in, k, k) is the matrix (out, in·k·k). The Nesterov average of the gradient
    is orthogonalised, so that steps are equally long in directions with small and with large gradients. A
    denoiser needs several times fewer steps than with Adam for the same PSNR.

    torch.optim.Muon, in torch 2.9 and later, takes only matrices.

    Args:
        parameters: of the network.
        lr: learning rate of both, on Adam's scale.
        momentum: of Muon.
        betas: of AdamW.
        weight_decay: decoupled, of both.

    Examples:
        >>> layer = torch.nn.Linear(4, 3)
        >>> optimizer = Muon(layer.parameters(), 1e-3, momentum=0.95, betas=(0.9, 0.999), weight_decay=0.0)
        >>> layer(torch.rand(2, 4)).sum().backward()
        >>> optimizer.step()

    State: `momentum`, the average gradient, for a matrix; Adam's `mean` and `square` for other parameters.
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
        """Perform an optimisation step.

        Args:
            closure: if not None, called first to compute the loss and the gradients.

        Returns:
            The closure's loss, or None.
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
                self._muon_step(group, weights)
            else:
                self._adam_step(group, weights)
        return loss

    def _muon_step(self, group: dict, weights: list[Tensor]) -> None:
        averages = self._state("momentum", weights)
        gradients = [p.grad for p in weights]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        directions = torch._foreach_lerp(gradients, averages, group["momentum"])
        # One batch for each shape, because the number of calls limits a small network.
        batches = defaultdict(list)
        for p, direction in zip(weights, directions, strict=True):
            batches[p.shape].append((p, direction.flatten(1)))
        for shape, batch in batches.items():
            steps = orthogonalise(torch.stack([matrix for _, matrix in batch]))
            size = RMS * max(steps.shape[1:]) ** 0.5
            views = [step.view(shape) for step in steps]
            torch._foreach_add_([p for p, _ in batch], views, alpha=-group["lr"] * size)

    def _adam_step(self, group: dict, weights: list[Tensor]) -> None:
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
