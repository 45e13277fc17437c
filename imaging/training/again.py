"""Train a part of a run again, and validate its network again, without writing into its directory."""

import contextlib
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from imaging.machine import available_cores, memory_limited
from imaging.runs.interrupts import Interrupted
from imaging.runs.ledger import Line
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.callbacks.ledger import describe_state, machine_facts
from imaging.training.strategies import EveryStep
from imaging.training.trainer import PRECISIONS, build_trainer, fit

NEVER = 10**9  # steps
# What takes time, or ends a training, and does not change its weights.
OMITTED = {
    "time_limit": None, "prune_after": None, "val_every_seconds": None, "checkpoint_every_seconds": None,
    "val_check_interval": NEVER, "checkpoint_every_n_steps": NEVER, "log_every_n_steps": NEVER,
    "devices": 1, "strategy": "auto",
}  # fmt: skip


@dataclass(frozen=True)
class Start:
    """Where a part of a run begins here.

    Args:
        line: of the weights with which it begins.
        facts: of this machine; see `imaging.training.callbacks.ledger.machine_facts`.
        steps: of the whole training.
    """

    line: Line
    facts: dict[str, str]
    steps: int


class Enough(BaseException):
    """The steps that were asked for are taken."""


class Observer(EveryStep):
    """Call `see` with the lines of some steps, and end the training after the last of them.

    Args:
        steps: the steps.
        see: returns whether to go on.

    Raises:
        Enough: in training, after the last of the steps, or if `see` returns False.
    """

    def __init__(self, steps: Collection[int], see: Callable[[Line, Start], bool]):
        self.steps, self.see = set(steps), see

    def on_train_start(self, trainer, task) -> None:
        line = describe_state(trainer, task)
        self.start = Start(line, machine_facts(trainer), trainer.max_steps)
        if trainer.global_step in self.steps:
            self._see(line)

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step in self.steps:
            self._see(describe_state(trainer, task, outputs["loss"].detach()))

    def _see(self, line: Line) -> None:
        if not self.see(line, self.start) or line.step >= max(self.steps):
            raise Enough


def train_again(
    config: dict,
    data,
    facts: dict[str, str],
    start: Path | None,
    steps: Collection[int],
    see: Callable[[Line, Start], bool],
    accelerator: str = "auto",
) -> None:
    """Train a part of a run again, in a temporary directory, on one device.

    Validations, checkpoints and curves, which do not change the weights, are left out.

    Args:
        config: of the run.
        data: an `imaging.data.module.ImageData`.
        facts: of the machine of the run, whose precision and, if there are as many cores, number of threads
            are taken.
        start: the checkpoint to begin with; None: the beginning.
        steps: whose lines are wanted; none is before that of `start`.
        see: called with the line of each of these steps; returns whether to go on.
        accelerator: as in `pl.Trainer`.

    Raises:
        ImagingError: the settings do not fit this machine, or the loss or the weights are not finite.
        Interrupted: after a signal.
    """
    precision = {v: k for k, v in PRECISIONS.items()}.get(facts.get("precision"))
    trainer_settings = config["trainer"] | OMITTED | {"accelerator": accelerator}
    trainer_settings |= {"precision": precision} if precision else {}
    trainer_settings.pop("num_nodes", None)
    with _run(config | {"trainer": trainer_settings}) as run, _threads(facts.get("threads")):
        trainer, _ = build_trainer(run.config["trainer"], run)
        trainer.callbacks.append(Observer(steps, see))  # type: ignore[attr-defined]
        with memory_limited("the network with its physics"):
            task = build_task(run.config)
        with contextlib.suppress(Enough):
            fit(trainer, task, data, run, start)


def validate_again(config: dict, data, task: Reconstruction, accelerator: str = "auto") -> dict[str, float]:
    """The validation metrics of a trained network by name, as `metrics.json` has them.

    Args:
        config, data, accelerator: see `train_again`.
        task: with the weights that are tested.
    """
    with _run(config | {"trainer": config["trainer"] | OMITTED | {"accelerator": accelerator}}) as run:
        trainer, _ = build_trainer(run.config["trainer"], run)
        trainer.callbacks = []  # type: ignore[attr-defined]
        trainer.validate(task, datamodule=data, verbose=False)
        return {name: float(value) for name, value in trainer.callback_metrics.items() if name != "step"}


@contextlib.contextmanager
def _run(config: dict) -> Iterator[Run]:
    """A run of a config in a temporary directory, without loggers and a ledger, that prints nothing."""
    others = {key: value for key, value in config.get("callbacks", {}).items() if value["name"] != "ledger"}
    with TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()):
        run = Run(directory, config | {"logger": {}, "callbacks": others})
        try:
            with run.watched():
                yield run
        except Interrupted as error:  # without the advice to resume what is temporary
            raise Interrupted(f"{str(error).partition(':')[0]}: stopped") from None


@contextlib.contextmanager
def _threads(number: str | None) -> Iterator[None]:
    """Context with as many threads as the run had, if there are as many cores here."""
    before = torch.get_num_threads()
    if number is not None and number.isdigit() and len(number) < 6 and 0 < int(number) <= available_cores():
        torch.set_num_threads(int(number))
    try:
        yield
    finally:
        torch.set_num_threads(before)
