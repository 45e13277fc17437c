"""One run's directory: its config, its status from the first second, its final numbers."""

import contextlib
import json
import os
import socket
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from omegaconf import OmegaConf

from imaging.errors import ImagingError
from imaging.files import write_json, write_text


class Interrupted(BaseException):
    """The run was asked to stop and has saved; not an error, so no `except Exception` may swallow it."""


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


class Run:
    """A run directory.

    Args:
        directory: where it lies; made if it is not there.
        config: the composed, resolved config as plain data; written to `config.yaml`.
    """

    def __init__(self, directory: Path | str, config: dict):
        self.directory, self.config = Path(directory), config
        self.directory.mkdir(parents=True, exist_ok=True)
        write_text(self.directory / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
        self._status = {
            "state": "running",
            "step": 0,
            "host": socket.gethostname(),
            "device": None,
            "pid": os.getpid(),
            "commit": commit(),
            "started": now(),
            "updated": None,
            "error": None,
        }
        self.update()

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def checkpoints(self) -> Path:
        return self.directory / "checkpoints"

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint, or None before the first."""
        path = self.checkpoints / "last.ckpt"
        return path if path.exists() else None

    def update(self, **changes) -> None:
        """Rewrite `status.json` with these changes."""
        self._status |= changes | {"updated": now()}
        write_json(self.directory / "status.json", self._status)

    @contextlib.contextmanager
    def watched(self):
        """Whatever way the body ends, the status says so."""
        try:
            yield self
        except (Interrupted, KeyboardInterrupt) as asked:
            self.update(state="interrupted")
            raise Interrupted(
                f"{asked or 'stopped'}; to go on: python train.py resume={self.directory}"
            ) from None
        except BaseException as error:
            self.update(state="failed", error=f"{type(error).__name__}: {error}")
            raise
        self.update(state="completed")

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
    return OmegaConf.to_container(OmegaConf.load(path))


def read_status(directory: Path | str) -> dict:
    """`status.json` of a run directory; a state of 'unknown' if it cannot be read."""
    try:
        return json.loads((Path(directory) / "status.json").read_text())
    except (OSError, ValueError):
        return {"state": "unknown", "step": 0, "error": "no readable status.json"}


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
