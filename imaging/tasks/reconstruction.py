"""Training and validation, the base class of all tasks."""

import functools
import math
from typing import Any

import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import PSNR, Mean, psnr
from imaging.randomness import generator
from imaging.tasks import OPTIMIZERS, SCHEDULES, TASKS
from imaging.tasks.equations import Equations, as_float
from imaging.tasks.expected import expected_psnr
from imaging.tasks.losses import Loss, Step

KEPT = 1 << 28  # bytes of validation measurements


@TASKS.register("reconstruction")
class Reconstruction(Equations):
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

    shard = (0, 1)  # rank and number of ranks, of the training

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: Loss):
        super().__init__(network, physics)
        loss.check(physics)
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
        self.val_expected_psnr, self.val_expected_psnr_input = Mean(), Mean()
        # The measurements of validation batches, which are drawn on the CPU, and equal in all of a training.
        self._kept: dict[int, Tensor] = {}
        self._keeps = False

    def on_fit_start(self) -> None:
        self.shard, self._keeps = (self.global_rank, self.trainer.world_size), True

    def on_fit_end(self) -> None:
        self._keeps = False
        self._kept.clear()

    def training_step(self, batch: dict, batch_idx: int) -> dict[str, Any]:
        """Compute the loss of a batch, over what y shows of x.

        Images are measured; the noise, and the operator if it is random, depend only on
        (seed, epoch, batch_idx).

        Args:
            batch: with clean images `image`, (N, C, H, W); or with measurements `y`, and those of the same
                scenes `again` if the data set has pairs.
            batch_idx: index of the batch in its epoch.

        Returns:
            `loss`; the clean images `x` as intensities, or None; the measurements `y` and the estimates
            `x_hat` in the network's units; the `operator` that measured y.
        """
        n, random = len(batch.get("image", batch.get("y"))), self._noise_generator(batch_idx)
        levels, sigma = self._levels(n, random)
        own_levels = None if levels is None else levels[self.shard[0] :: self.shard[1]]
        drawn, known = None, {}
        if self.physics.operator.is_random:
            draws = generator(self.seed, "operator", self.current_epoch, batch_idx)
            drawn = self.physics.operator.draw(n, draws, self.shard)
            known = {"operator": drawn} if self.network.takes_operator else {}
        x = target = None
        if "image" in batch:
            x = as_float(batch["image"])
            target = self.normalise(x)
            y = self.corrupt(target, random, levels, self.shard, drawn)
        else:
            y = self.measured(batch)

        def again() -> Tensor:
            if target is None:
                return self.measured(batch, "again")
            return self.corrupt(target, self._generator("again", batch_idx), levels, self.shard, drawn)

        operator = drawn or self.physics.operator
        step = Step(
            estimate=lambda *ys, stronger=1.0: self._estimate(
                ys, None if sigma is None else stronger * sigma, known
            ),
            y=y,
            x=target,
            sigma=sigma,
            operator=operator,
            variance=lambda y: self.variance_of(y, own_levels.to(y.device)),
            again=again,
            random=functools.cache(lambda: self._generator("loss", batch_idx)),
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
        """Measure the quality of restored images; without clean images, estimate it from y."""
        if "image" not in batch:
            self._validate_measured(batch, batch_idx)
            return
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

    def _validate_measured(self, batch: dict, batch_idx: int) -> None:
        level = self.physics.noise.typical_level
        x_hat = self.restore_measured(batch, level)
        quality, before = self.expected(batch, x_hat, level)
        self.val_expected_psnr.update(quality)
        self.val_expected_psnr_input.update(before)
        named = {
            "val/expected_psnr": self.val_expected_psnr,
            "val/expected_psnr_input": self.val_expected_psnr_input,
        }
        self.log_dict(named)
        if batch_idx == 0:
            visible = self.physics.operator.visible
            self.strip = torch.stack([visible(self.preview(self.measured(batch)))[0], visible(x_hat)[0]])

    def measured(self, batch: dict, key: str = "y") -> Tensor:
        """The measurements of a batch without clean images, in the network's units.

        Args:
            batch: `y` and, of pairs, `again`: intensities, uint8 or float (N, C, H, W).
            key: y or again.
        """
        return self.as_measurement(as_float(batch[key]))

    def restore_measured(self, batch: dict, level: float) -> Tensor:
        """Restore the measurements `y` of a batch, whose noise has a level: intensities (N, C, H, W)."""
        return self.restore(self.measured(batch), self.sigma_of(level))

    def expected(self, batch: dict, x_hat: Tensor, level: float) -> tuple[Tensor, Tensor]:
        """The expected PSNR in dB of restored measurements and of the measurements: float32 (N,) each.

        Args:
            batch: with `id`; see `measured`.
            x_hat: the restored images.
            level: of the noise.
        """
        again = self.measured(batch, "again") if "again" in batch else None
        return expected_psnr(self, self.measured(batch), x_hat, batch["id"], level, again)

    @torch.no_grad()
    def choose_strength(self, batches) -> None:
        """Set the strength of a classical method to the candidate with the highest PSNR, or expected PSNR.

        Networks without candidates are not changed.

        Args:
            batches: validation batches; clean images are measured with the typical sigma.
        """
        candidates = self.network.candidates
        batches = list(batches) if candidates else []
        if not batches:
            return
        means = []
        for candidate in candidates:
            self.network.strength.fill_(candidate)
            mean = torch.cat([self._quality(batch) for batch in batches]).mean().item()
            means.append(-math.inf if math.isnan(mean) else mean)  # nan: it diverged
        self.network.strength.fill_(candidates[means.index(max(means))])

    def _quality(self, batch: dict) -> Tensor:
        """The PSNR, or expected PSNR, in dB of each restored image of a validation batch, (N,)."""
        batch = {key: v.to(self.device) if isinstance(v, Tensor) else v for key, v in batch.items()}
        if "image" not in batch:
            level = self.physics.noise.typical_level
            return self.expected(batch, self.restore_measured(batch, level), level)[0]
        x = as_float(batch["image"])
        y, visible = self.validation_measurement(x, batch["id"]), self.physics.operator.visible
        return psnr(visible(self.restore(y, self.typical_sigma)), visible(x))

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
