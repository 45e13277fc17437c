"""Full disks: a training on a small file system that fills up, which is then made larger.

    python tests/attacks/disks.py [--cases 20] [--seed 0] [--case N]

Needs to be root, for the file systems. Faults are tracebacks, messages that do not name the disk, a state
that stays running, a checkpoint that cannot be read, and a resumed run whose weights differ from those of
a run without a full disk.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from cases import Tally, arguments, attempt, numbered

os.environ |= {"OMP_NUM_THREADS": "1"}
WORDS = [
    "data=bundled", "data.crop=[96,96]", "data.patch_size=32", "data.max_test_images=2",
    "model.hidden_channels=16", "trainer.accelerator=cpu", "trainer.max_epochs=-1", "trainer.max_steps=40",
    "trainer.val_check_interval=10", "trainer.checkpoint_every_n_steps=5", "trainer.log_every_n_steps=1",
    "trainer.precision=float32",
]  # fmt: skip
FULL = 12_000_000  # bytes that a whole run takes, and more


@contextmanager
def disk(size: int):
    """A file system of `size` bytes; yields its directory, and a function that changes the size."""
    with tempfile.TemporaryDirectory() as directory:

        def mount(options: str) -> None:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=True)

        mount(f"size={size}")
        try:
            yield Path(directory), lambda size: mount(f"remount,size={size}")
        finally:
            subprocess.run(["umount", "-l", directory], check=True)


def train(directory: Path, *words: str) -> None:
    import imaging.commands.main as commands

    os.chdir(directory)
    sys.argv = ["train.py", *words]
    commands.train()


def weights(run: Path) -> dict:
    import torch

    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def judge(run: Path) -> str | None:
    """What is wrong with the directory of a run that met a full disk."""
    from imaging.errors import ImagingError
    from imaging.runs.checkpoints import read_checkpoint

    if (run / "status.json").exists():
        state = json.loads((run / "status.json").read_text())["state"]
        if state in ("running", "completed"):
            return f"its state is {state}"
    for path in (run / "checkpoints").glob("*.ckpt"):
        try:
            read_checkpoint(path)
        except ImagingError:
            return f"{path.name} cannot be read"
    return None


def main() -> int:
    options = arguments(__doc__, 20)
    tally = Tally("full disks", options.seed)
    import torch

    with tempfile.TemporaryDirectory() as whole:
        done = attempt(lambda: train(Path(whole), *WORDS, "hydra.run.dir=run"), 120)
        assert done.status == 0, done.complained
        expected = weights(Path(whole, "run"))
    for number, random in numbered(options):
        size = int(FULL * random.random() ** 2) + 4096
        with disk(size) as (directory, resize):
            ended = attempt(lambda directory=directory: train(directory, *WORDS, "hydra.run.dir=run"), 120)
            fault, details, run = ended.fault, ended.complained[-400:], directory / "run"
            if ended.status == 0:
                tally.add(f"{number}: {size} bytes", "had room")
                continue
            fault = (
                fault
                or (None if "No space left" in ended.complained else "the disk is not named")
                or judge(run)
            )
            if not fault:
                resize(10 * FULL)
                words = ["resume=run"] if (run / "config.yaml").exists() else [*WORDS, "hydra.run.dir=run"]
                again = attempt(lambda directory=directory, words=words: train(directory, *words), 120)
                if again.status != 0:
                    fault, details = "not resumed", again.complained[-400:]
                elif any(not torch.equal(value, expected[name]) for name, value in weights(run).items()):
                    fault = "other weights"
            tally.add(f"{number}: {size} bytes", "full, told and resumed", fault, details.strip())
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
