"""Hydra's basic sweeper; with `decide=…` it adds seeds until every comparison is decided."""

import math
from collections.abc import Iterable
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from imaging.runs.status import is_over
from imaging.sweeps.jobs import compose

FEWEST = 2  # one seed cannot show how much results vary between seeds


class Seeds(BasicSweeper):
    """Run each configuration of a sweep with as many seeds as needed.

    Without `decide` it is Hydra's sweeper. With `decide`, all configurations run with two seeds, then with
    one more at a time. It stops when the command's `undecided` returns no line, or None because nothing can
    be compared, or at `decide_max_seeds` seeds. Jobs are numbered seed by seed, so that a new seed continues
    the numbers. If a job has failed, no seed is added. `resume=` completes the seeds that were started before
    it adds one.

    Args:
        max_batch_size: number of jobs that the launcher gets at a time; None: all jobs of a round.
        params: Hydra's sweep syntax by key, as on the command line.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.undecided = task_function.undecided
        self.directory = Path(getattr(self.launcher, "directory", config.hydra.sweep.dir))

    def validate_batch_is_legal(self, batch: list[list[str]]) -> None:
        if not getattr(self.launcher, "plans", False):  # else the launcher composes the jobs, as this would
            super().validate_batch_is_legal(batch)

    def split_arguments(self, overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:
        """Batches of the first jobs, each a list of overrides."""
        if self.config.decide is None:
            return super().split_arguments(overrides, max_batch_size)
        (self.cells,) = super().split_arguments([o for o in overrides if o.key_or_group != "seed"], None)
        seed = [o.input_line for o in overrides if o.key_or_group == "seed"]
        loader = self.hydra_context.config_loader
        self.first = compose(loader, self.config, [*self.cells[0], *seed], 0).seed
        begun = math.ceil(len(self._runs()) / len(self.cells))
        self.seeds = min(max(FEWEST, begun), self.config.decide_max_seeds)
        return self._batches(range(self.seeds))

    def is_done(self) -> bool:
        """Whether no batch remains and no seed is to be added."""
        if not super().is_done():
            return False
        return self.config.decide is None or not self._add_seed()

    def _add_seed(self) -> bool:
        """Add the jobs of one more seed if it is needed and allowed, and print one line about it."""
        runs = self._runs()
        if len(runs) < self.seeds * len(self.cells) or not all(map(is_over, runs)):
            return False  # the end of the sweep names the jobs that are not completed
        undecided = self.undecided(self.directory)
        if undecided is None:
            print(f"seeds {self.seeds}: nothing can be compared; no seed is added", flush=True)
            return False
        count = len(undecided)
        state = f"{count} comparison{' is' if count == 1 else 's are'} not decided"
        if count == 0:
            print(f"seeds {self.seeds}: every comparison is decided", flush=True)
            return False
        if self.seeds >= self.config.decide_max_seeds:
            print(f"seeds {self.seeds}: {state}; decide_max_seeds is reached", flush=True)
            return False
        print(f"seeds {self.seeds}: {state}; adding seed {self.first + self.seeds}", flush=True)
        self.overrides.extend(self._batches([self.seeds]))
        self.seeds += 1
        return True

    def _batches(self, indices: Iterable[int]) -> list[list[list[str]]]:
        jobs = [[*cell, f"seed={self.first + index}"] for index in indices for cell in self.cells]
        return list(self.split_overrides_to_chunks(jobs, self.max_batch_size))

    def _runs(self) -> list[Path]:
        return [path.parent for path in self.directory.glob("*/status.json")]
