"""Training and validation, the base class of all tasks."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import PSNR, psnr
from imaging.models.network import complete
from imaging.physics.measurement import Physics
from imaging.physics.noise import Level, Random, Shard
from imaging.physics.operator import LinearOperator
from imaging.precision import full_precision
from imaging.randomness import generator
from imaging.tasks import OPTIMIZERS, SCHEDULES, TASKS
from imaging.tasks.losses import Loss, Step

KEPT = 1 << 28  # bytes of validation measurements


def as_float(image: Tensor) -> Tensor:
    """Convert uint8 or float images to float32 in [0, 1], on their device."""
    return image.float().div_(255) if image.dtype == torch.uint8 else image.float()


@TASKS.register("reconstruction")
class Reconstruction(pl.LightningModule):
    """Learn x_hat = f(y) from y = A x + n.

    Args:
        network: f, an `imaging.models.network.Network`.
        physics: A and n; see `imaging.physics.measurement.Physics`.
        optimizer, schedule: `{name: …}` and settings, for `imaging.tasks.optimizers`.
        seed: of the training's noise.
        loss: see `imaging.tasks.losses`.

    Raises:
        ImagingError: the loss cannot be used with the physics; or the operator is random and changes the
            images' shape, and the network is not told it.
    """

    network: Any  # a Module that is a `Network` too, and Python has no type for both

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: Loss):
        super().__init__()
        loss.check(physics)
        self.network, self.physics = complete(network), physics
        if not physics.operator.draws_keep_shape and not network.takes_operator:
            raise ImagingError(
                "in training, physics.operator gives measurements that are smaller than the images: choose a "
                "network that is told the operator, such as model=wiener_pair, or set "
                "physics.operator.circular=1"
            )
        self.loss, self.uses_sigma = loss, self.takes_sigma or loss.uses_sigma
        self.optimizer_config, self.schedule_config, self.seed = optimizer, schedule, seed
        # Of the estimate, and of the measurement, which is the baseline.
        self.val_psnr, self.val_psnr_input = PSNR(), PSNR()
        # The measurements of validation batches, which are drawn on the CPU, and equal in all of a training.
        self._kept: dict[int, Tensor] = {}
        self._keeps = False

    def normalise(self, image: Tensor) -> Tensor:
        """Convert intensities in [0, 1] to the network's units."""
        return image

    def denormalise(self, x: Tensor) -> Tensor:
        """Convert the network's units to intensities."""
        return x

    def measure(self, image: Tensor, random: Random, level: Level = None, shard: Shard = (0, 1)) -> Tensor:
        """Measure clean images: y = A x + n in the network's units, in the operator's shape.

        Args:
            image: intensities in [0, 1], (N, C, H, W).
            random, level, shard: as in `imaging.physics.measurement.Physics.forward`.
        """
        return self.corrupt(self.normalise(image), random, level, shard)

    def corrupt(
        self,
        x: Tensor,
        random: Random,
        level: Level = None,
        shard: Shard = (0, 1),
        operator: LinearOperator | None = None,
    ) -> Tensor:
        """Measure images in the network's units: y = A x + n.

        Args:
            x, random, level, shard: as in `Physics.forward`.
            operator: A; None: that of the physics.
        """
        physics = self.physics if operator is None else Physics(operator, self.physics.noise)
        return physics(x, random, level, shard)

    def preview(self, y: Tensor, operator: LinearOperator | None = None) -> Tensor:
        """The measurements as images of x's shape, in intensities: the baseline, and what pictures show.

        Args:
            y: measurements in the network's units.
            operator: that measured y; None: that of the physics.
        """
        return self.denormalise((operator or self.physics.operator).preview(y))

    def restore(
        self, y: Tensor, sigma: float | Tensor | None = None, operator: LinearOperator | None = None
    ) -> Tensor:
        """Estimate x_hat = f(y) in intensities, float32 for any precision of the training.

        Args:
            y: measurements in the network's units.
            sigma: of the noise, a number or (N, 1, 1, 1); only for a network that `takes_sigma`.
            operator: that measured y, only for a network that `takes_operator`; None: that of its settings.

        Raises:
            ImagingError: the network takes sigma, and sigma is None.
        """
        if self.takes_sigma and sigma is None:
            raise ImagingError("this network needs the standard deviation of the noise: give sigma=…")
        if self.takes_sigma and not isinstance(sigma, Tensor):
            sigma = torch.full((len(y), 1, 1, 1), sigma, device=y.device)
        extra = (sigma,) if self.takes_sigma else ()
        known = {} if operator is None else {"operator": operator}
        with full_precision(y.device):
            # Not __call__, because torch.compile would compile the network again for each image size.
            return self.denormalise(self.network.forward(y.float(), *extra, **known))

    @property
    def takes_sigma(self) -> bool:
        return self.network.takes_sigma

    def sigma_of(self, level: float) -> float:
        """The standard deviation of the noise at a level, for a network that takes sigma."""
        return self.physics.noise.sigma(torch.tensor(level, dtype=torch.float64)).item()

    @property
    def typical_sigma(self) -> float:
        """The standard deviation of the noise in validation."""
        return self.sigma_of(self.physics.noise.typical_level)

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """The task's measures in addition to PSNR and SSIM, (N,) by name: of a solver, its last residuals.

        Args:
            x_hat, x: restored and clean intensities, (N, C, H, W).
        """
        return dict(self.network.trace[-1]) if self.network.trace else {}

    def on_fit_start(self) -> None:
        self.shard, self._keeps = (self.global_rank, self.trainer.world_size), True

    def on_fit_end(self) -> None:
        self._keeps = False
        self._kept.clear()

    def training_step(self, batch: dict, batch_idx: int) -> dict[str, Tensor]:
        """Compute the loss of a batch, over what y shows of x.

        The noise, and the operator if it is random, depend only on (seed, epoch, batch_idx).

        Args:
            batch: with `image`, (N, C, H, W).
            batch_idx: index of the batch in its epoch.

        Returns:
            `loss`; the clean images `x` as intensities; the measurements `y` and the estimates `x_hat` in the
            network's units; the `operator` that measured y.
        """
        x = as_float(batch["image"])
        target, random = self.normalise(x), self._noise_generator(batch_idx)
        levels, sigma = self._levels(len(x), random)
        drawn, known = None, {}
        if self.physics.operator.is_random:
            draws = generator(self.seed, "operator", self.current_epoch, batch_idx)
            drawn = self.physics.operator.draw(len(x), draws, self.shard)
            known = {"operator": drawn} if self.network.takes_operator else {}
        y = self.corrupt(target, random, levels, self.shard, drawn)
        operator = drawn or self.physics.operator
        step = Step(
            estimate=lambda *ys: self._estimate(ys, sigma, known),
            y=y,
            x=target,
            sigma=sigma,
            operator=operator,
            variance=lambda y: self.variance_of(y, levels),
            again=lambda: self.corrupt(
                target, self._generator("again", batch_idx), levels, self.shard, drawn
            ),
            random=lambda: self._generator("loss", batch_idx),
            shard=self.shard,
        )
        loss, x_hat = self.loss.compute(step)
        return {"loss": loss, "x": x, "y": y, "x_hat": x_hat, "operator": operator}

    def _estimate(self, ys: tuple[Tensor, ...], sigma: Tensor | None, known: dict) -> tuple[Tensor, ...]:
        """x_hat for each of several measurements, at once where each image has the same operator."""
        extra = [sigma] if self.takes_sigma and sigma is not None else []
        if known or len(ys) == 1:
            return tuple(self.network(y, *extra, **known) for y in ys)
        repeated = [levels.repeat(len(ys), 1, 1, 1) for levels in extra]
        return self.network(torch.cat(ys), *repeated).chunk(len(ys))

    def variance_of(self, y: Tensor, levels: Tensor | None) -> Tensor:
        """An unbiased estimate of the variance of the noise in each element of y, in the network's units.

        Args:
            y: measurements in the network's units.
            levels: of the noise of the whole batch, (N · world size, 1, 1, 1).
        """
        assert levels is not None
        rank, world_size = self.shard
        return self.physics.noise.variance_of(y, levels[rank::world_size].to(y.device))

    def _noise_generator(self, batch_idx: int) -> torch.Generator | None:
        if not self.uses_sigma and self.physics.noise.is_silent():
            return None  # a generator costs as much as a layer
        return self._generator("noise", batch_idx)

    def _generator(self, purpose: str, batch_idx: int) -> torch.Generator:
        return generator(self.seed, purpose, self.current_epoch, batch_idx, device=self.device)

    def _levels(self, n: int, random: torch.Generator | None) -> tuple[Tensor | None, Tensor | None]:
        """Draw the noise levels of the whole batch, and this rank's n sigmas; None if they are not used."""
        if not self.uses_sigma:
            return None, None
        rank, world_size = self.shard
        levels = self.physics.noise.sample_level(n * world_size, random)
        return levels, self.physics.noise.sigma(levels[rank::world_size])

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        """Clip the total gradient norm; Lightning's own method rejects fused optimisers under autocast."""
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        x = as_float(batch["image"])
        y = self._kept.get(batch_idx)
        if y is None:
            y = self.validation_measurement(x, batch["id"])
            if self._keeps and y.nbytes + sum(one.nbytes for one in self._kept.values()) < KEPT:
                self._kept[batch_idx] = y
        images = x, self.restore(y, self.typical_sigma), self.preview(y)
        x, x_hat, measured = map(self.physics.operator.visible, images)
        self.val_psnr.update(x_hat, x)
        self.val_psnr_input.update(measured, x)
        self.log_dict({"val/psnr": self.val_psnr, "val/psnr_input": self.val_psnr_input})
        if batch_idx == 0:
            # The first image: clean, measured, restored.
            self.strip = torch.stack([x[0], measured[0], x_hat[0]])

    @torch.no_grad()
    def choose_strength(self, batches) -> None:
        """Set the strength of a classical method to the candidate with the highest mean PSNR.

        Networks without candidates are not changed.

        Args:
            batches: validation batches `{"image": …, "id": …}`, measured with the typical sigma.
        """
        candidates = self.network.candidates
        batches = [(as_float(b["image"]), b["id"]) for b in batches] if candidates else []
        if not batches:
            return
        means, sigma, visible = [], self.typical_sigma, self.physics.operator.visible
        for candidate in candidates:
            self.network.strength.fill_(candidate)
            values = [
                psnr(visible(self.restore(self.validation_measurement(x, ids), sigma)), visible(x))
                for x, ids in batches
            ]
            means.append(torch.cat(values).mean().item())
        self.network.strength.fill_(candidates[means.index(max(means))])

    def validation_measurement(self, x: Tensor, ids: list[str]) -> Tensor:
        """Measure images x with noise that depends only on each image's id, equal in all epochs."""
        level = self.physics.noise.typical_level
        if self.physics.noise.is_silent(level):
            return self.measure(x, generator("validation"), level)
        random = [generator("validation", name) for name in ids]
        return torch.cat(
            [self.measure(x[i : i + 1].cpu(), random[i], level).to(x.device) for i in range(len(ids))]
        )

    def on_validation_epoch_end(self) -> None:
        # Lightning uses "step" as the x axis: optimiser steps, not batches.
        self.log("step", float(self.global_step))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        steps = self.trainer.estimated_stepping_batches
        optimizer = OPTIMIZERS.build(self.optimizer_config, parameters=self.network.parameters())
        schedule = SCHEDULES.build(self.schedule_config, optimizer=optimizer, steps=steps)
        if schedule is None:
            return {"optimizer": optimizer}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
