"""The ledger: hashes of the weights and of the optimiser every K steps, and checkpoints that are kept."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytorch_lightning as pl
import torch
from torch import Tensor

from imaging.machine import instructions, processor
from imaging.runs.checkpoints import kept_checkpoint, kept_checkpoints
from imaging.runs.config import CONFIG
from imaging.runs.ledger import (
    LEDGER,
    Ledger,
    Line,
    append,
    file_hash,
    flush,
    has_line,
    is_kept,
    spacing,
    truncate,
)
from imaging.runs.run import commit
from imaging.settings import Count, at_least
from imaging.training.callbacks import CALLBACKS
from imaging.training.callbacks.averaging import WeightAveraging
from imaging.training.callbacks.checkpoints import check_finite
from imaging.training.fingerprints import describe
from imaging.training.strategies import EveryStep


def machine_facts(trainer: pl.Trainer) -> dict[str, str]:
    """What decides the bits of a training beside its config, by name."""
    device = trainer.strategy.root_device
    on_gpu = device.type == "cuda"
    return {
        "commit": str(commit()),
        "device": torch.cuda.get_device_name(device) if on_gpu else device.type,
        "precision": str(trainer.precision),
        "processor": f"{processor()}, {torch.backends.cpu.get_cpu_capability()} {instructions()}",
        "ranks": str(trainer.world_size),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
    }


def describe_state(trainer: pl.Trainer, task: pl.LightningModule, loss: Tensor | None = None) -> Line:
    """The line of the current step of a training.

    Args:
        trainer, task: the trainer and its module.
        loss: of the step's batch, over all ranks.
    """
    averages = [c.average for c in trainer.callbacks if isinstance(c, WeightAveraging)]  # type: ignore[attr-defined]
    schedules = [config.scheduler.state_dict() for config in trainer.strategy.lr_scheduler_configs]
    optimizer = {
        "optimizer_states": [trainer.strategy.optimizer_state(one) for one in trainer.optimizers],
        "lr_schedulers": schedules,
    }
    number = None if loss is None else float(loss)
    average = averages[0] if averages else {}
    return describe(trainer.global_step, task.state_dict(), average, optimizer, number)


@CALLBACKS.register("ledger")
class LedgerCallback(EveryStep):
    """Write `ledger.csv` in the run's directory, for `imaging verify`.

    Its lines are those of `imaging.runs.ledger.Line`. A run that resumes drops the lines after its checkpoint
    and writes them again. A network without parameters is not trained, and has no ledger.

    Args:
        every_n_steps: steps from one line to the next. The last step has a line, too, and so has the tenth
            after the beginning and after a checkpoint that is kept, for machines whose bits differ.
        keep: checkpoints that are kept at most as `checkpoints/step-….ckpt`, at equal distances, from which
            `imaging verify` trains again. Each takes the size of `last.ckpt` on the disk.
    """

    def __init__(self, every_n_steps: Count = 100, keep: Annotated[int, at_least(0)] = 8):
        self.every_n_steps, self.keep = every_n_steps, keep
        self.ledger: Ledger | None = None  # that of a run that resumes
        self.before = ""  # the chain of the last line
        self.last_step = -1  # that has a line

    def on_load_checkpoint(self, trainer, task, checkpoint) -> None:
        """Drop the lines and the kept checkpoints of later steps."""
        step = checkpoint["global_step"]
        if not trainer.is_global_zero:
            return
        self.ledger = truncate(self._path(trainer), step)
        for later, path in kept_checkpoints(self._directory(trainer)).items():
            if later > step:
                path.unlink()
        lines = self.ledger.lines
        self.before = lines[-1].chain if lines else ""
        self.last_step = max(self.ledger.steps, default=-1)
        if self.last_step < step - step % self.every_n_steps:
            since = f"after step {self.last_step}" if lines else "of its beginning"
            reason = f" ({self.ledger.damage})" if self.ledger.damage else ""
            print(
                f"{self._path(trainer)} has no lines {since}{reason}: imaging verify will say so",
                file=sys.stderr,
                flush=True,
            )

    def on_train_start(self, trainer, task) -> None:
        if not trainer.is_global_zero:
            return
        facts = machine_facts(trainer)
        if self.ledger is None or not self.ledger.lines:
            about = {"config": file_hash(Path(trainer.default_root_dir) / CONFIG), "format": "1"}
            self._append(trainer, replace(describe_state(trainer, task), event="start", facts=about | facts))
            for path in kept_checkpoints(self._directory(trainer)).values():  # of an attempt before this one
                path.unlink()
        elif not facts.items() <= self.ledger.facts_at(sys.maxsize).items():
            self._append(trainer, Line("machine", self.last_step, facts=facts))

    def after_step(self, trainer, task, outputs) -> None:
        step = trainer.global_step
        if has_line(step, self.every_n_steps, self.keep) or step == trainer.max_steps:
            loss = trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean")
            self._write(trainer, task, loss)
            self._keep(trainer)

    def on_train_end(self, trainer, task) -> None:
        if self.last_step != trainer.global_step:  # stopped early
            self._write(trainer, task, None)

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        """Flush the lines to the disk before the checkpoint that a run resumes from behind them."""
        if trainer.is_global_zero:
            flush(self._path(trainer))

    def _write(self, trainer, task, loss: Tensor | None) -> None:
        if trainer.is_global_zero:
            check_finite(task)
            self._append(trainer, describe_state(trainer, task, loss))

    def _append(self, trainer, line: Line) -> None:
        self.before = append(self._path(trainer), line, self.before).chain
        self.last_step = line.step

    def _keep(self, trainer) -> None:
        """Keep the checkpoint of this step if it is due, and remove those that are then too many."""
        step, directory = trainer.global_step, self._directory(trainer)
        if not self.keep or step % self.every_n_steps:
            return
        between = spacing(step, self.every_n_steps, self.keep)
        if is_kept(step, self.every_n_steps, self.keep):
            trainer.save_checkpoint(kept_checkpoint(directory, step))
        if trainer.is_global_zero:
            for earlier, path in kept_checkpoints(directory).items():
                if earlier % between:
                    path.unlink()

    def _path(self, trainer) -> Path:
        return Path(trainer.default_root_dir) / LEDGER

    def _directory(self, trainer) -> Path:
        return Path(trainer.default_root_dir) / "checkpoints"
