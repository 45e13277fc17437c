"""The frame around a command: Hydra composes, a user's error is one line, exit codes are true."""

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from imaging.commands.complaints import complaint
from imaging.commands.memory import keep_freed_memory
from imaging.errors import ImagingError
from imaging.places import CONF
from imaging.runs.interrupts import EXIT_STATUS, Interrupted, Interrupts
from imaging.runs.lock import unlock
from imaging.runs.names import register_resolvers
from imaging.runs.overrides import as_typed
from imaging.runs.parent import follow_parent
from imaging.runs.status import STATUS, read_status
from imaging.sweeps.begin import begin_sweep
from imaging.sweeps.sbatch import TRY_AGAIN

register_resolvers()  # at the import, since a job on a cluster's node begins with a pickle of `Job`


def late(module: str, function: str) -> Callable:
    """A function of a module that is imported when it is called.

    Hydra composes, refuses what is wrong and starts the jobs of a queue without waiting for torch.
    """

    def call(*arguments):
        return getattr(importlib.import_module(module), function)(*arguments)

    return call


class Sweeps(Callback):
    """Notes the directory of a sweep when Hydra begins one, and makes it the same for every job."""

    directory: Path | None = None
    lock: int | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        try:
            Sweeps.lock = begin_sweep(config)
        except Exception as error:
            raise Refused from error
        Sweeps.directory = Path(config.hydra.sweep.dir)


class Refused(BaseException):
    """A sweep that cannot begin. Hydra makes a mere warning of an `Exception` in a callback."""


class Job:
    """The body of a command, as Hydra and its launchers call it."""

    def __init__(
        self,
        body: Callable[[DictConfig], object],
        undecided: Callable[[Path], list[str] | None] | None = None,
    ):
        self.body, self.undecided = body, undecided
        self.error: Exception | None = None
        self.failed_in_sweep = False

    def __call__(self, config: DictConfig) -> object:
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        try:
            return self.body(config)
        except Exception as error:
            self.failed_in_sweep |= sweep
            mendable = isinstance(error, ImagingError | OmegaConfBaseException | OSError)
            if mendable and not sweep:
                self.error = error
                return None
            if sweep and not mendable:
                traceback.print_exc()
            raise  # in a sweep Hydra goes on with the other jobs


def command(
    name: str,
    body: Callable[[DictConfig], object],
    after_sweep: Callable[[Path], list[str]] | None = None,
    undecided: Callable[[Path], list[str] | None] | None = None,
) -> None:
    """Run `body` as the Hydra command `name`, and leave with a true exit status.

    Args:
        name: the primary config in `conf/`.
        body: called with the composed config, once or, in a sweep, once a job.
        after_sweep: called with the sweep's directory when all its jobs have ended, failed or not; returns a
            line for each job that is not completed.
        undecided: called with the sweep's directory when all jobs have ended that there are so far; returns a
            line for each comparison that needs more seeds, None if nothing can be compared. See
            `hydra_plugins/imaging_seeds.py`.

    Exit status: 0 done; 1 a failure of ours, with its traceback, or jobs of a sweep that failed; 2 something
    to mend by the user, in one line; 130 interrupted and saved; 75 the same by a cluster's warning or a time
    limit: start it again.

    An interrupted sweep is reported as far as it is completed. A signal that comes while a report is written
    waits for its end; a second one does not.
    """
    register_resolvers()  # anew: `started` is now
    sys.argv[1:] = map(as_typed, sys.argv[1:])
    follow_parent()
    keep_freed_memory()
    Sweeps.directory = Sweeps.lock = None
    # Hydra swallows the traceback of the body and prints its own mixture; here each error is told once.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    job = Job(body, undecided)
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(job)
    unfinished: list[str] = []
    interrupts = Interrupts(until="the report")
    try:
        with interrupts:
            try:
                run_jobs(main, job, interrupts, reported=after_sweep is not None)
            except BaseException as error:
                if isinstance(interrupts.left or error, Interrupted | KeyboardInterrupt):
                    report_completed(after_sweep)
                raise
            if Sweeps.directory is not None and after_sweep is not None:
                unfinished = after_sweep(Sweeps.directory)
            if interrupts.asked is not None and unfinished:
                interrupts.leave("the report is written")
    except (Interrupted, KeyboardInterrupt) as error:
        stopped(error)
    except (Exception, Refused) as error:
        if interrupts.left is not None:
            stopped(interrupts.left)
        cause = error.__cause__ if isinstance(error, Refused) else error
        told = complaint(cause, name)
        if told is None:
            raise cause from None
        fail(told, 2)
    finally:
        unlock(Sweeps.lock)
    if unfinished:
        more = f"; and {len(unfinished) - 8} more" if len(unfinished) > 8 else ""
        again = f"to go on: the same command with {quote(f'resume={Sweeps.directory}')}"
        fail(f"{len(unfinished)} not completed: {'; '.join(unfinished[:8])}{more}; {again}", 1)
    if job.failed_in_sweep and Sweeps.directory is not None:
        fail("a job failed though it was completed before: its line under 'Left out' says why", 1)


def run_jobs(main: Callable[[], object], job: Job, interrupts: Interrupts, reported: bool) -> None:
    """Run the job or jobs; after those of a sweep that ends in a report, signals are deferred.

    Args:
        main: Hydra's, of `job`.
        job: the body.
        interrupts: entered.
        reported: whether a sweep ends in a report, which names the jobs that failed.

    Raises:
        Exception: what the user or we must mend.
        Interrupted: a signal came.
    """
    try:
        main()
    except Exception:
        # Hydra's sweeper raises the first job's failure; the end of the sweep names them all.
        if not (job.failed_in_sweep and reported) or interrupts.left is not None:
            raise
    if job.error is not None:
        raise job.error
    # Before this returns: between the jobs and their report there is no moment at which a signal costs it.
    interrupts.deferred = reported and Sweeps.directory is not None


def report_completed(after_sweep: Callable[[Path], list[str]] | None) -> None:
    """Report what is completed of a sweep that was interrupted, so that nothing computed is lost.

    Whatever happens meanwhile, be it a second signal, the interruption is what the command ends with.
    """
    if Sweeps.directory is None or after_sweep is None:
        return
    states = [read_status(path.parent)["state"] for path in Sweeps.directory.glob(f"*/{STATUS}")]
    if "completed" not in states:
        return
    try:
        after_sweep(Sweeps.directory)
    except (Interrupted, KeyboardInterrupt):
        print("no report of what is completed: stopped at once", file=sys.stderr)
    except Exception as error:
        reason = complaint(error) or f"{type(error).__name__}: {error}"
        print(f"no report of what is completed: {reason}", file=sys.stderr)


def stopped(error: BaseException) -> None:
    """Leave with the status of an interruption, and say how to go on."""
    text = str(error) or "interrupted"
    if Sweeps.directory:
        again = quote(f"resume={Sweeps.directory}")
        text = f"{text.split('; to go on')[0]}; to go on: the same command with {again}"
    fail(text, TRY_AGAIN if text.startswith(("SIGUSR", "time limit")) else EXIT_STATUS)


def fail(message: str, status: int) -> None:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)
