"""Example images of an evaluation."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from imaging.models.network import Network


@dataclass
class Examples:
    """Example images of an evaluation for figures: lists of (C, H, W) intensities on the CPU.

    Args:
        keep: number of examples, spread evenly over the test set.
        sigma: level of the noise, of which the first draw is taken.
        count: number of images in the test set.
        network: whose `trace` is kept, if it iterates.
    """

    keep: int
    sigma: float
    count: int
    network: Network | None = None
    names: list[str] = field(default_factory=list)
    clean: list[Tensor] = field(default_factory=list)
    measured: list[Tensor] = field(default_factory=list)
    restored: list[Tensor] = field(default_factory=list)
    traces: list[dict[str, Tensor]] = field(default_factory=list)
    chosen: set[str] = field(default_factory=set)

    def choose(self, first: int, names: list[str]) -> bool:
        """Choose examples among the images number `first`, `first` + 1, …; whether there are any."""
        step = max(1, self.count // max(1, self.keep))
        chosen = {n for i, n in enumerate(names, first) if i % step == 0 and i // step < self.keep}
        self.chosen |= chosen
        return bool(chosen)

    def observe(
        self, names: list[str], sigma: float, clean: Tensor | None, measured: Tensor, restored: Tensor
    ) -> None:
        """Keep the chosen images of a batch: clean, if there are, measured and restored (N, C, H, W)."""
        if sigma != self.sigma:
            return
        for i, name in enumerate(names):
            if name in self.chosen and name not in self.names:
                self.names.append(name)
                if clean is not None:
                    self.clean.append(clean[i].cpu())
                self.measured.append(measured[i].cpu())
                self.restored.append(restored[i].cpu())
                if steps := self.network.trace if self.network else ():
                    self.traces.append(
                        {k: torch.stack([step[k][i] for step in steps]).cpu() for k in steps[0]}
                    )
