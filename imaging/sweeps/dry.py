"""Plan a sweep with `dry=…`, which starts nothing, and probe its jobs to know what they cost."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from omegaconf import DictConfig, open_dict

from imaging.errors import ImagingError
from imaging.runs.config import as_dict
from imaging.runs.names import quoted
from imaging.runs.run import enqueue
from imaging.runs.status import read_status
from imaging.settings import Limit, check
from imaging.sweeps.begin import check_sweep
from imaging.sweeps.cost import Cost, mean, read_cost
from imaging.sweeps.jobs import Job, Plan, job_of
from imaging.sweeps.queue import Queue
from imaging.sweeps.sbatch import check_settings, check_workers
from imaging.sweeps.slots import Slot, find_slots

PROBE = "probe"  # the value of `dry` for a run that measures itself
PATIENCE = 20.0  # seconds for a process to finish its step, before its directory is removed
HERE = Slot("this process", {})
Jobs = Annotated[int, Limit("true, or a number of jobs at a time", lambda number: number >= 1)]


def check_dry(value) -> None:
    """Raise an ImagingError unless `dry` is true or a number of jobs."""
    if value is not True:
        check("dry", value, Jobs)


@dataclass(frozen=True)
class Places:
    """Where the jobs of a sweep would run.

    Args:
        slots: of this machine, in which jobs are probed.
        count: of jobs at a time.
        devices: of a job.
        name: of the places.
        sharing: the number of jobs that share a GPU.
        forks: whether jobs start as forks of a process that has imported what they need.
    """

    slots: Sequence[Slot]
    count: int
    devices: int = 1
    name: str = "this process"
    sharing: int = 1
    forks: bool = True

    @classmethod
    def of(cls, launcher: dict, search: bool = False) -> "Places":
        """The places of the settings of a launcher.

        Args:
            launcher: the settings.
            search: whether its jobs are the trials of a search.

        Raises:
            ImagingError: a wrong setting.
        """
        kind = launcher.get("_target_", "").rpartition(".")[2]
        if kind == "QueueLauncher":
            slots = find_slots(launcher["devices"], launcher["jobs_per_gpu"])
            names = [slot.name for slot in slots]
            name = ", ".join(names) if len(slots) < 9 else f"{names[0]} to {names[-1]}"
            return cls(slots, len(slots), name=name, sharing=launcher["jobs_per_gpu"])
        if kind == "Slurm":
            check_settings({key: v for key, v in launcher.items() if key not in ("_target_", "wait")})
            name = "tasks of Slurm, each as fast as here"
            count, devices = launcher["array_parallelism"], launcher["tasks_per_node"]
            if search:  # a task is a worker with a queue of its own
                check_workers(launcher)
                sharing = launcher["jobs_per_gpu"]
                count *= max(1, launcher["gpus_per_node"] or 0) * sharing
                return cls([HERE], count, devices, name, sharing)
            return cls([HERE], count, devices, name, forks=False)
        return cls([HERE], 1)


@dataclass
class Planned:
    """The runs of a command with `dry`.

    Args:
        places: where they would run.
        jobs: the value of `dry`: a number of jobs at a time to tell the time for, or True.
        directory: of the sweep or run.
        decide: the number of seeds up to which a sweep with `decide` may go on; None for others.
        is_sweep: whether there is a report of all runs.
        plans: the runs.
    """

    places: Places
    jobs: int | bool
    directory: Path
    decide: int | None = None
    is_sweep: bool = True
    plans: list[Plan] = field(default_factory=list)

    @classmethod
    def sweep(cls, config: DictConfig, launcher: dict, directory: Path) -> "Planned":
        """A sweep, whose runs are still to be added.

        Args:
            config: of the sweep, including `hydra`.
            launcher: the settings of the launcher that would start them.
            directory: of the sweep.
        """
        decide = None if config.decide is None else config.decide_max_seeds
        search = config.hydra.sweeper.get("_target_", "").endswith(".Search")
        return cls(Places.of(launcher, search), config.dry, directory, decide)

    @classmethod
    def run(cls, settings: dict, directory: Path, jobs: int | bool) -> "Planned":
        """A single run in this process."""
        check_dry(jobs)
        return cls(Places([HERE], 1), jobs, directory, is_sweep=False, plans=[Plan(directory, settings, ())])


def begin_dry(config: DictConfig, scratch: str) -> None:
    """Check a sweep, and replace its launcher by one that only plans its jobs, in place.

    Args:
        config: the composed config of a multirun, including `hydra`.
        scratch: a temporary directory.

    Raises:
        ImagingError: `dry` has a wrong value, or the sweep cannot start.
    """
    check_dry(config.dry)
    check_sweep(config)
    with open_dict(config):
        config.hydra.launcher = {
            "_target_": "hydra_plugins.imaging_dry.DryLauncher",
            "_recursive_": False,
            "launcher": as_dict(config.hydra.launcher),
            "directory": config.hydra.sweep.dir,
        }
        config.hydra.sweep.dir = scratch  # where Hydra's sweeper writes the config


class Probes:
    """Probe runs in all slots of a queue, so that they share the machine as the jobs of the sweep would.

    Args:
        configs: of the runs, by their labels.
        slots: for them. A slot that is free while other runs are still probed repeats one.
        scratch: the directory for their directories.
        tell: called with the label of a run and its cost, when it is known.
    """

    def __init__(
        self,
        configs: Sequence[tuple[str, dict]],
        slots: Sequence[Slot],
        scratch: Path,
        tell: Callable[[str, Cost], None],
    ):
        self.configs, self.scratch, self.tell = configs, scratch, tell
        self.queue = Queue(list(slots), self)
        self.numbers: dict[Path, int] = {}  # of the run that is probed in a directory
        self.began: dict[Path, float] = {}
        self.costs: list[list[Cost]] = [[] for _ in configs]
        self.finished: list[Path] = []  # directories, one of each run
        self.forked: float | None = None  # seconds until the first process had started

    def run(self) -> list[Cost]:
        """The cost of each run.

        Raises:
            ImagingError: a run failed.
        """
        try:
            self.queue.run(self._next, self._ended)
        except BaseException:
            for running in self.queue.running:  # which the queue has told to end
                running.child.process.join(PATIENCE)
                running.child.process.kill()
            raise
        return list(map(mean, self.costs))

    def _next(self) -> Job | None:
        if all(self.costs):
            return None
        number = len(self.numbers) % len(self.configs)
        directory = self.scratch / str(len(self.numbers))
        self.numbers[directory] = number
        _, config = self.configs[number]
        enqueue(directory, config | {"logger": {}})  # which may write elsewhere
        self._asked = time.monotonic()
        return job_of(directory, f"dry={PROBE}", f"imports=[{','.join(map(quoted, config['imports']))}]")

    def _ended(self, job: Job) -> None:
        seconds, cost = time.monotonic() - self.began[job.directory], read_cost(job.directory)
        label, _ = self.configs[number := self.numbers[job.directory]]
        if all(self.costs):
            return  # a repeat that was stopped
        if cost is None:
            reason = read_status(job.directory)["error"] or "it ended without a result"
            raise ImagingError(f"{label}: {reason.removeprefix('ImagingError: ')}")
        if self.costs[number]:
            shutil.rmtree(job.directory)
        else:
            self.finished.append(job.directory)
            self.tell(label, cost)
        self.costs[number].append(replace(cost, start=seconds - cost.probe))
        if all(self.costs):
            for running in self.queue.running:  # repeats
                running.child.process.terminate()

    def started(self, job: Job, slot: Slot) -> None:
        self.began[job.directory] = time.monotonic()
        if self.forked is None:
            self.forked = self.began[job.directory] - self._asked

    def ended(self, job: Job) -> None:
        pass

    def tick(self) -> None:
        pass
