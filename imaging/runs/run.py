"""One run's directory: its config, its status from the first second, its final numbers."""

import contextlib
import os
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from omegaconf import OmegaConf

from imaging.files import remove_unfinished, write_json, write_text
from imaging.places import CHECKOUT, command_line
from imaging.runs.config import CONFIG
from imaging.runs.interrupts import Interrupted, Interrupts
from imaging.runs.lock import lock, unlock
from imaging.runs.overrides import own_command
from imaging.runs.status import METRICS, STATUS, now, read_status


def commit() -> str | None:
    """The commit of the code that runs, with '-dirty' behind it if the tree has changes.

    Where it was installed without a checkout, its version; None if there is no git.
    """
    if CHECKOUT is None:
        return f"version {version('imaging')}"
    git = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


class Pruned(BaseException):
    """The run has stopped because others of its sweep are better."""


def is_first_rank() -> bool:
    """Whether this process is the one that writes, of those that train one run together."""
    ranks = (os.environ.get(name) for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return next((int(rank) for rank in ranks if rank is not None), 0) == 0


class Run:
    """A run directory. Of several ranks, only the first writes.

    Args:
        directory: where it lies; made if it is not there. If it holds a run, that one goes on.
        config: the composed, resolved config as plain data; written to `config.yaml`.

    Raises:
        ImagingError: another process works in it.
    """

    def __init__(self, directory: Path | str, config: dict):
        self.directory, self.config = Path(directory), config
        self.writes, self.interrupts = is_first_rank(), Interrupts()
        self._lock = None
        if not self.writes:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock(self.directory)
        for place in (self.directory, self.checkpoints):
            remove_unfinished(place)
        before = read_status(self.directory)
        if not (self.directory / CONFIG).exists():
            write_text(self.directory / CONFIG, OmegaConf.to_yaml(OmegaConf.create(config)))
        self._status = before | {
            "state": "running",
            "steps": None,
            "tested": None,
            "host": socket.gethostname(),
            "device": None,
            "pid": os.getpid(),
            "commit": commit(),
            "command": before["command"] or own_command(),
            "attempts": before["attempts"] + 1,
            "started": before["started"] or now(),
            "updated": None,
            "error": None,
        }
        self.update()

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def pruned(self) -> bool:
        return self.writes and self._status["state"] == "pruned"

    @property
    def validation(self) -> dict[str, float | None]:
        """Validation PSNR in dB by the step after which it was; None if it was not finite before a resume."""
        return self._status["validation"] if self.writes else {}

    @property
    def checkpoints(self) -> Path:
        return self.directory / "checkpoints"

    def update(self, **changes) -> None:
        """Rewrite `status.json` with these changes."""
        if self.writes:
            self._status |= changes | {"updated": now()}
            write_json(self.directory / STATUS, self._status)

    @contextlib.contextmanager
    def watched(self):
        """Whatever way the body ends, the status says so; signals end it as `Interrupted`."""
        try:
            with self.interrupts:
                yield self
        except Pruned as reason:
            self.update(state="pruned", error=str(reason))
        except BaseException as error:
            asked = self.interrupts.left or error
            if isinstance(asked, Interrupted | KeyboardInterrupt):
                self._interrupt(asked)
            self.update(state="failed", error=f"{type(error).__name__}: {error}")
            raise
        else:
            self.update(state="completed")
        finally:
            self._release()

    def _interrupt(self, asked: BaseException) -> None:
        self.update(state="interrupted", error=str(asked) or None)
        self._release()
        self.interrupts.hand_on()
        raise Interrupted(
            f"{asked or 'stopped'}; to go on: {command_line('train', f'resume={self.directory}')}"
        ) from None

    def _release(self) -> None:
        unlock(self._lock)
        self._lock = None

    def validated(self, step: int, psnr: float) -> None:
        """Note the validation PSNR in dB after a step."""
        known = {k: v for k, v in self.validation.items() if int(k) < step}
        self.update(step=step, validation=known | {str(step): psnr})

    def finish(self, metrics: dict, tested: int) -> None:
        """Write the final validation and test numbers, and note how many records the test has."""
        self._status["tested"] = tested
        write_json(self.directory / METRICS, metrics)


def enqueue(directory: Path, config: dict) -> None:
    """Write down a run that is to be started: its config, and the state 'queued'.

    What an earlier attempt has left there stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / CONFIG).exists():
        write_text(directory / CONFIG, OmegaConf.to_yaml(OmegaConf.create(config)))
    known = read_status(directory) | {"state": "queued", "error": None, "updated": now()}
    write_json(directory / STATUS, known)
