"""The directory of one run: its config, its status from the first second, its final metrics."""

import contextlib
import errno
import os
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from omegaconf import OmegaConf

from imaging.errors import ImagingError
from imaging.files import remove_unfinished, to_json, write_in_place, write_json, write_text
from imaging.places import CHECKOUT, command_line
from imaging.runs.config import CONFIG
from imaging.runs.interrupts import Interrupted, Interrupts
from imaging.runs.lock import lock, unlock
from imaging.runs.overrides import own_command
from imaging.runs.status import METRICS, STATUS, now, read_status

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def commit() -> str | None:
    """The commit of the running code, with the suffix '-dirty' if the tree has changes.

    The version if the code was installed without a checkout; None if git fails.
    """
    if CHECKOUT is None:
        return f"version {version('imaging')}"
    git = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


class Pruned(BaseException):
    """The run was stopped because other runs of its sweep are better."""


def is_first_rank() -> bool:
    """Whether this process is the first rank of a distributed training, which writes the files."""
    ranks = (os.environ.get(name) for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return next((int(rank) for rank in ranks if rank is not None), 0) == 0


class Run:
    """A run directory. In distributed training, only the first rank writes.

    Args:
        directory: its path; created if it does not exist. A run that it already holds is resumed.
        config: the composed, resolved config as plain data; written to `config.yaml`.

    Raises:
        ImagingError: another process is working in the directory.
    """

    def __init__(self, directory: Path | str, config: dict):
        self.directory, self.config = Path(directory), config
        self.writes, self.interrupts = is_first_rank(), Interrupts()
        self._lock = None
        if not self.writes:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock(self.directory)
        for path in (self.directory, self.checkpoints):
            remove_unfinished(path)
        before = read_status(self.directory)
        if not (self.directory / CONFIG).exists():
            write_text(self.directory / CONFIG, OmegaConf.to_yaml(OmegaConf.create(config)))
        self._status = before | {
            "state": "running",
            "steps": None,
            "tested": None,
            "host": socket.gethostname(),
            "device": None,
            "memory": None,
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
        """Validation PSNR in dB by step; None where a resumed run had a value that is not finite."""
        return self._status["validation"] if self.writes else {}

    @property
    def checkpoints(self) -> Path:
        return self.directory / "checkpoints"

    def update(self, **changes) -> None:
        """Rewrite `status.json` with these changes."""
        if self.writes:
            self._status |= changes | {"updated": now()}
            try:
                write_json(self.directory / STATUS, self._status)
            except OSError as error:
                if error.errno not in NO_SPACE or "state" not in changes:
                    raise
                # How a run ended is told even where there is no room for a second file.
                write_in_place(self.directory / STATUS, to_json(self._status))

    @contextlib.contextmanager
    def watched(self):
        """Context that writes to the status how its body ends; a signal ends it with `Interrupted`."""
        try:
            with self.interrupts:
                yield self
        except Pruned as error:
            self.update(state="pruned", error=str(error))
        except BaseException as error:
            if self.writes and not (self.directory / CONFIG).is_file():
                raise ImagingError(
                    f"{self.directory} was moved or removed while it was running; if it was moved: "
                    f"{command_line('train', 'resume=<where it is now>')}"
                ) from error
            reason = self.interrupts.exception or error
            if isinstance(reason, Interrupted | KeyboardInterrupt):
                self._interrupt(reason)
            self.update(state="failed", error=f"{type(error).__name__}: {error}")
            raise
        else:
            self.update(state="completed")
        finally:
            self._release()

    def _interrupt(self, reason: BaseException) -> None:
        self.update(state="interrupted", error=str(reason) or None)
        own = [f"imports=[{','.join(imports)}]"] if (imports := self.config.get("imports")) else []
        again = command_line("train", f"resume={self.directory}", *own)
        raise Interrupted(f"{reason or 'stopped'}; to go on: {again}") from None

    def _release(self) -> None:
        unlock(self._lock)
        self._lock = None

    def add_validation(self, step: int, psnr: float) -> None:
        """Add the validation PSNR in dB after a step to the status, and drop values of later steps."""
        earlier = {k: v for k, v in self.validation.items() if int(k) < step}
        self.update(step=step, validation=earlier | {str(step): psnr})

    def finish(self, metrics: dict, tested: int) -> None:
        """Write the final validation and test metrics, and set the number of test records in the status."""
        self._status["tested"] = tested
        write_json(self.directory / METRICS, metrics)


def enqueue(directory: Path, config: dict) -> None:
    """Write the config and the state 'queued' of a run that will start; files of an earlier attempt stay."""
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / CONFIG).exists():
        write_text(directory / CONFIG, OmegaConf.to_yaml(OmegaConf.create(config)))
    status = read_status(directory) | {"state": "queued", "error": None, "updated": now()}
    write_json(directory / STATUS, status)
