"""Run a Hydra command: compose its config, print the user's errors in one line, set the exit status."""

import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from imaging.commands.process.complaints import complaint
from imaging.commands.process.memory import keep_freed_memory
from imaging.commands.process.streams import outlive_readers
from imaging.errors import ImagingError
from imaging.files import remove_empty
from imaging.places import CONF
from imaging.runs.interrupts import EXIT_STATUS, Interrupted, Interrupts
from imaging.runs.lock import unlock
from imaging.runs.names import register_resolvers
from imaging.runs.overrides import add_places, choose_noise, quote_path
from imaging.runs.parent import follow_parent
from imaging.runs.status import STATUS, read_status
from imaging.sweeps.begin import begin_sweep, check_sweep, is_worker
from imaging.sweeps.dry import Planned, begin_dry
from imaging.sweeps.sbatch import TRY_AGAIN

register_resolvers()  # at import, because a job on a cluster's node starts from a pickle of `JobBody`


def lazy(module: str, function: str) -> Callable:
    """A function that imports its module on the first call.

    Hydra can then compose and check a config, and start the jobs of a queue, without importing torch.
    """

    def call(*arguments):
        return getattr(importlib.import_module(module), function)(*arguments)

    return call


class Sweeps(Callback):
    """Store the directory and the lock of a sweep when Hydra starts one; a worker of a search has neither.

    With `dry` there is neither, and Hydra's files go to a temporary directory, `scratch`.
    """

    directory: Path | None = None
    lock: int | None = None
    scratch: tempfile.TemporaryDirectory | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        try:
            if config.get("dry") is not None:
                Sweeps.scratch = tempfile.TemporaryDirectory(prefix="imaging-")
                begin_dry(config, Sweeps.scratch.name)
                return
            check_sweep(config)
            Sweeps.lock = begin_sweep(config)
        except Exception as error:
            raise Refused from error
        if not is_worker(config):
            Sweeps.directory = Path(config.hydra.sweep.dir)


class Refused(BaseException):
    """A sweep cannot start. Not an `Exception`, which Hydra would reduce to a warning in a callback."""


class JobBody:
    """The function that Hydra and its launchers call for each job; it records errors."""

    def __init__(
        self,
        body: Callable[[DictConfig], object],
        undecided: Callable[[Path], list[str] | None] | None = None,
    ):
        self.body, self.undecided = body, undecided
        self.error: Exception | None = None
        self.unfinished: list[str] = []  # by launchers: what is not completed beside the runs that exist
        self.failed_in_sweep = False
        self.planned: Planned | None = None  # by the launcher of a sweep with `dry`

    def __call__(self, config: DictConfig) -> object:
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        try:
            return self.body(config)
        except Exception as error:
            self.failed_in_sweep |= sweep
            expected = isinstance(error, ImagingError | OmegaConfBaseException | OSError)
            if expected and not sweep:
                self.error = error
                remove_empty(Path(HydraConfig.get().runtime.output_dir))  # Hydra has just made it
                return None
            if sweep and not expected:
                traceback.print_exc()
            raise  # in a sweep Hydra continues with the other jobs


def command(
    name: str,
    body: Callable[[DictConfig], object],
    after_sweep: Callable[[Path], list[str]] | None = None,
    undecided: Callable[[Path], list[str] | None] | None = None,
) -> None:
    """Run `body` as the Hydra command `name`, and exit with its status.

    Exit status: 0 completed; 1 a bug, with its traceback, or failed jobs of a sweep; 2 an error that the user
    can fix, in one line; 130 interrupted and saved; 75 stopped and saved after a cluster's warning or a time
    limit, to be started again.

    The completed jobs of an interrupted sweep are reported. A signal while a report is written is deferred to
    its end; a second one is not.

    Args:
        name: the primary config in `conf/`.
        body: called with the composed config, once or, in a sweep, once per job.
        after_sweep: called with the sweep's directory after all its jobs; returns a line for each job that is
            not completed.
        undecided: called with the sweep's directory after all its current jobs; returns a line for each
            comparison that needs more seeds, or None if nothing can be compared. See
            `hydra_plugins/imaging_seeds.py`.
    """
    register_resolvers()  # again, to set `started` to the current time
    words = options_first(sys.argv[1:])
    words = list(map(choose_noise, words)) if name == "train" else words
    sys.argv[1:] = map(quote_path, add_places(words))
    follow_parent()
    outlive_readers()
    keep_freed_memory()
    Sweeps.directory = Sweeps.lock = Sweeps.scratch = None
    # Without it Hydra replaces the body's traceback by its own text; errors are printed below instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    job = JobBody(body, undecided)
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(job)
    unfinished: list[str] = []
    interrupts = Interrupts(until="the report")
    try:
        with interrupts:
            try:
                run_jobs(main, job, interrupts, reported=after_sweep is not None)
            except BaseException as error:
                if isinstance(interrupts.exception or error, Interrupted | KeyboardInterrupt):
                    report_completed(after_sweep)
                raise
            if job.planned is not None:
                lazy("imaging.commands.dry", "tell_costs")(job.planned)
            if Sweeps.directory is not None and after_sweep is not None:
                unfinished = after_sweep(Sweeps.directory) + job.unfinished
            if interrupts.reason is not None and unfinished:
                interrupts.stop("the report is written")
    except (Interrupted, KeyboardInterrupt) as error:
        exit_interrupted(error)
    except (Exception, Refused) as error:
        if interrupts.exception is not None:
            exit_interrupted(interrupts.exception)
        cause = error.__cause__ if isinstance(error, Refused) else error
        message = complaint(cause, name)
        if message is None:
            raise cause from None
        fail(message, 2)
    finally:
        unlock(Sweeps.lock)
        if Sweeps.scratch is not None:
            Sweeps.scratch.cleanup()
    if unfinished:
        more = f"; and {len(unfinished) - 8} more" if len(unfinished) > 8 else ""
        again = f"to go on: the same command with {quote(f'resume={Sweeps.directory}')}"
        fail(f"{len(unfinished)} not completed: {'; '.join(unfinished[:8])}{more}; {again}", 1)
    if job.failed_in_sweep and Sweeps.directory is not None:
        fail("a job failed though it was completed before: its line under 'Left out' says why", 1)


def options_first(words: list[str]) -> list[str]:
    """The arguments of a command with Hydra's options before the settings, the only order that it takes."""
    parser = get_args_parser()
    wrong = f"settings are key=value, and the options are those of {Path(sys.argv[0]).name} --hydra-help"
    parser.error = lambda message: fail(f"{message}; {wrong}", 2)  # type: ignore[method-assign]
    settings = parser.parse_intermixed_args(words).overrides
    left, options = list(settings), []
    for word in words:
        if left[:1] == [word]:
            left.pop(0)
        else:
            options.append(word)
    return [*options, *settings]


def run_jobs(main: Callable[[], object], job: JobBody, interrupts: Interrupts, reported: bool) -> None:
    """Run the job, or the jobs of a sweep; signals are deferred afterwards if the sweep has a report.

    Args:
        main: Hydra's main function of `job`.
        job: the job.
        interrupts: an entered context.
        reported: whether a sweep has a report, which lists the failed jobs.

    Raises:
        Exception: the job failed, or jobs of a sweep without a report.
        Interrupted: after a signal.
    """
    try:
        main()
    except Exception:
        # Hydra's sweeper raises the first failure; the report lists all of them.
        if not (job.failed_in_sweep and reported) or interrupts.exception is not None:
            raise
    if job.error is not None:
        raise job.error
    # Before the return, so that no signal between the jobs and their report can prevent the report.
    interrupts.deferred = reported and Sweeps.directory is not None


def report_completed(after_sweep: Callable[[Path], list[str]] | None) -> None:
    """Report the completed jobs of an interrupted sweep.

    It never raises: also after an error or a second signal, the command exits with the interruption.
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


def exit_interrupted(error: BaseException) -> None:
    """Exit with the status of an interruption, and print how to resume."""
    text = str(error) or "interrupted"
    if Sweeps.directory:
        again = quote(f"resume={Sweeps.directory}")
        text = f"{text.split('; to go on')[0]}; to go on: the same command with {again}"
    fail(text, TRY_AGAIN if text.startswith(("SIGUSR", "time limit")) else EXIT_STATUS)


def fail(message: str, status: int) -> None:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)
