"""One run's directory: its config, its status from the first second, its final numbers."""

import contextlib
import json
import os
import socket
import subprocess
import textwrap
from datetime import datetime, timezone
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from imaging.errors import ImagingError
from imaging.files import remove_unfinished, write_json, write_text
from imaging.runs.interrupts import Interrupted, Interrupts
from imaging.runs.lock import is_locked, lock, unlock
from imaging.runs.overrides import own_command


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def commit() -> str | None:
    """The commit of the code that runs, with '-dirty' behind it if the tree has changes."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
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
        if not (self.directory / "config.yaml").exists():
            write_text(self.directory / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
        self._status = {
            "state": "running",
            "step": before["step"],
            "steps": None,
            "validation": before.get("validation") or {},
            "host": socket.gethostname(),
            "device": None,
            "pid": os.getpid(),
            "commit": commit(),
            "command": before.get("command") or own_command(),
            "attempts": before.get("attempts", 0) + 1,
            "started": before.get("started") or now(),
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
    def validation(self) -> dict[str, float]:
        """Validation PSNR in dB by the step after which it was."""
        return self._status["validation"] if self.writes else {}

    @property
    def checkpoints(self) -> Path:
        return self.directory / "checkpoints"

    def update(self, **changes) -> None:
        """Rewrite `status.json` with these changes."""
        if self.writes:
            self._status |= changes | {"updated": now()}
            write_json(self.directory / "status.json", self._status)

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
            f"{asked or 'stopped'}; to go on: python train.py resume={self.directory}"
        ) from None

    def _release(self) -> None:
        unlock(self._lock)
        self._lock = None

    def validated(self, step: int, psnr: float) -> None:
        """Note the validation PSNR in dB after a step."""
        known = {k: v for k, v in self.validation.items() if int(k) < step}
        self.update(step=step, validation=known | {str(step): psnr})

    def finish(self, metrics: dict) -> None:
        """Write the final validation and test numbers."""
        write_json(self.directory / "metrics.json", metrics)


def read_config(directory: Path | str) -> dict:
    """The resolved config of a run directory as plain data.

    Raises:
        ImagingError: no such directory, or not one of a run.
    """
    path = Path(directory) / "config.yaml"
    if not path.is_file():
        raise ImagingError(f"{directory} is not a run directory: it has no config.yaml")
    try:
        config = OmegaConf.to_container(OmegaConf.load(path))
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError):
        config = None
    if not isinstance(config, dict) or not config:
        raise ImagingError(f"{path} cannot be read as the config of a run; start this run anew elsewhere")
    return config


def enqueue(directory: Path, config: dict) -> None:
    """Write down a run that is to be started: its config, and the state 'queued'.

    What an earlier attempt has left there stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "config.yaml").exists():
        write_text(directory / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
    known = read_status(directory) | {"state": "queued", "error": None, "updated": now()}
    write_json(directory / "status.json", known)


def read_status(directory: Path | str) -> dict:
    """`status.json` of a run directory; a state of 'unknown' if it cannot be read."""
    least = {"state": "unknown", "step": 0, "error": None}
    try:
        return least | json.loads((Path(directory) / "status.json").read_text())
    except (OSError, ValueError, TypeError):
        return least | {"error": "no readable status.json"}


def end_as(directory: Path, state: str, error: str) -> None:
    """Make the status of a run true whose process has ended without saying so."""
    known = read_status(directory)
    if known["state"] in ("queued", "running") and not is_locked(directory):
        write_json(directory / "status.json", known | {"state": state, "error": error, "updated": now()})


def true_state(directory: Path | str) -> str:
    """The state of a run; 'killed' if its status says running, but no process of this host works in it."""
    status = read_status(directory)
    here = status.get("host") == socket.gethostname()
    if status["state"] == "running" and here and not is_locked(Path(directory)):
        return "killed"
    return status["state"]


def is_over(directory: Path | str) -> bool:
    """Whether there is nothing left to do for a run: it is completed, or was pruned."""
    return read_status(directory)["state"] in ("completed", "pruned")


def final_psnr(directory: Path | str) -> float | None:
    """The last validation PSNR in dB of a run; None if there was no validation."""
    metrics = Path(directory) / "metrics.json"
    if metrics.is_file():
        try:
            return json.loads(metrics.read_text()).get("val/psnr")
        except (ValueError, AttributeError):
            raise ImagingError(f"{metrics} cannot be read: delete {directory} to run it anew") from None
    return next(reversed((read_status(directory).get("validation") or {}).values()), None)


def describe_end(directory: Path | str) -> str:
    """How a run that is not completed has ended, for a person: its state, and the error if there was one."""
    error = read_status(directory)["error"]
    return true_state(directory) + (f" ({textwrap.shorten(error, 160, placeholder=' …')})" if error else "")


def why_untested(directory: Path | str) -> str | None:
    """Why a run's numbers would not be those of its whole training; None if they would."""
    status = read_status(directory)
    step, steps = status["step"], status.get("steps")
    if status["state"] == "completed" or (steps is not None and step >= steps):
        return None
    return f"{describe_end(directory)}, step {step}" + (f" of {steps}" if steps is not None else "")


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """Lines 'key: old -> new' for every leaf in which two nested configs differ."""
    lines = []
    for key in sorted(old.keys() | new.keys(), key=str):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            lines += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            lines.append(f"{prefix}{key}: {a} -> {b}")
    return lines
