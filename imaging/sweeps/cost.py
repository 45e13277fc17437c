"""What the jobs of a sweep cost: measured for one job of each shape, and added up for some slots."""

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from imaging.files import write_json

COST = "cost.json"
# They change how often something is done, or its values, but not how long it takes once.
COUNTED = ("seed", "max_steps", "max_epochs", "noise_seeds")
MEASURED = ("tolerance", "memory_gib")  # numbers that change how long it takes


@dataclass(frozen=True)
class Cost:
    """What one run costs.

    Args:
        device: on which it was measured.
        steps_per_epoch: optimiser steps; 0 for a method that is not trained.
        start: seconds in which a process starts, before it knows its settings, and ends.
        probe: seconds that this was measured in.
        setup: seconds for the images, the network and the first steps, beyond what later steps take.
        step: seconds of an optimiser step.
        validation: seconds of a validation.
        checkpoint: seconds of a checkpoint.
        test: seconds of the test for one draw of the noise.
        view: seconds of the linear view of a network without biases.
        report: seconds of the tables and figures.
        memory: bytes that the process takes at most; of its GPU, on a GPU.
        disk: bytes of the run directory, but for the records of the test.
        records: bytes of the records for one draw of the noise.
    """

    device: str
    steps_per_epoch: int
    start: float
    probe: float
    setup: float
    step: float
    validation: float
    checkpoint: float
    test: float
    view: float
    report: float
    memory: int
    disk: int
    records: int

    def steps(self, trainer: dict) -> int:
        """The number of optimiser steps with these settings of a trainer."""
        limits = trainer["max_steps"], trainer["max_epochs"] * self.steps_per_epoch
        return min((limit for limit in limits if limit >= 0), default=0) if self.steps_per_epoch else 0

    def validations(self, trainer: dict, done: int = 0) -> int:
        """The number of validations in a training; its arguments are those of `training`."""
        steps, every = self.steps(trainer), trainer["val_check_interval"]
        number = steps // every - done // every
        if pause := trainer.get("val_every_seconds"):
            number = min(number, int((steps - done) * self.step / pause))
        return max(0, number)

    def training(self, trainer: dict, done: int = 0) -> float:
        """The seconds of a training, with its validations and checkpoints.

        Args:
            trainer: its settings.
            done: the step of the checkpoint that it resumes from.
        """
        steps, every = self.steps(trainer), trainer["checkpoint_every_n_steps"]
        validations = self.validations(trainer, done)
        best = validations if self.validation else 0  # each may be the best so far, which is saved
        saved = best + steps // every - done // every
        return max(0, steps - done) * self.step + validations * self.validation + saved * self.checkpoint

    def whole(self, config: dict, done: int = 0) -> float:
        """The seconds of a run from the start of its process to its end.

        Args:
            config: of the run.
            done: the step of the checkpoint that it resumes from.
        """
        training = self.training(config["trainer"], done)
        parts = self.start, self.setup, training, self.validation, self.view, self.report
        return sum(parts) + draws(config) * self.test

    def size(self, config: dict) -> int:
        """The bytes of a run directory."""
        return self.disk + draws(config) * self.records


def draws(config: dict) -> int:
    """How often each test image is measured; once if it is a measurement."""
    return config["test"]["noise_seeds"] if config["data"].get("clean", True) else 1


def write_cost(directory: Path, cost: Cost) -> None:
    """Write what a run costs into its directory."""
    write_json(directory / COST, asdict(cost))


def read_cost(directory: Path) -> Cost | None:
    """What `write_cost` wrote; None if there is nothing."""
    path = directory / COST
    return Cost(**json.loads(path.read_text())) if path.is_file() else None


def mean(costs: Iterable[Cost]) -> Cost:
    """The mean cost of several measurements; memory and disk are the largest."""
    rows = [asdict(cost) for cost in costs]
    largest = ("device", "steps_per_epoch", "memory", "disk", "records")
    values = {key: [row[key] for row in rows] for key in rows[0]}
    return Cost(**{key: max(v) if key in largest else sum(v) / len(v) for key, v in values.items()})


def shape(config, key: str = ""):
    """A config without what does not change how long a step, a validation or a test takes.

    Runs of one shape differ in the seed, the length and numbers like the learning rate or sigma.

    Args:
        config: plain data.
        key: its name.

    Examples:
        >>> shape({"seed": 1, "model": {"depth": 5}, "optimizer": {"lr": 1e-3}})
        {'model': {'depth': 5}, 'optimizer': {'lr': 'a number'}}
    """
    if isinstance(config, dict):
        left = COUNTED if key else (*COUNTED, "name")  # of the run
        return {k: shape(value, k) for k, value in config.items() if k not in left}
    if isinstance(config, list):
        return [shape(value, key) for value in config]
    return "a number" if isinstance(config, float) and key not in MEASURED else config


def makespan(seconds: Sequence[float], slots: int) -> float:
    """How long jobs take if each starts, in their order, as soon as a slot is free.

    Examples:
        >>> makespan([3.0, 1.0, 1.0, 2.0], slots=2)
        4.0
    """
    free = [0.0] * max(1, min(slots, len(seconds)))
    for job in seconds:
        heapq.heapreplace(free, free[0] + job)
    return max(free)
