"""From the command to the first optimisation step, and to a message, against bare imports.

    python benchmarks/startup.py

`python train.py` on the bundled photographs until its status says that the training begins, less a Python
that only imports torch and pytorch_lightning and ends at once; `train.py --help` and a mistyped key, in all.
In seconds.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ruler import CHECKOUT, finish, row

ROUNDS, BAR = 3, 1.5
TRAIN = str(CHECKOUT / "train.py")


def timed(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], capture_output=True, check=False)
    return time.perf_counter() - began


def first_step() -> float:
    with TemporaryDirectory() as directory:
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, TRAIN], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not begun(Path(directory)):
            time.sleep(0.005)
            if child.poll() is not None:
                raise SystemExit("train.py ended before its first step")
        taken = time.perf_counter() - began
        child.send_signal(signal.SIGKILL)
        child.wait()
        return taken


def begun(directory: Path) -> bool:
    for path in directory.glob("outputs/*/*/status.json"):
        try:
            return json.loads(path.read_text())["device"] is not None
        except (OSError, ValueError):
            pass
    return False


def main() -> None:
    os.environ.pop("PYTHONPATH", None)
    bare, whole, told, refused = [], [], [], []
    for _ in range(ROUNDS):
        bare.append(timed("-c", "import os, torch, pytorch_lightning; os._exit(0)"))
        whole.append(first_step())
        told.append(timed(TRAIN, "--help"))
        refused.append(timed(TRAIN, "model.hiden_channels=3"))
    finish(
        [
            row(
                "seconds to the first step, less bare imports",
                [a - b for a, b in zip(whole, bare, strict=True)],
                BAR,
                f"{min(whole):.2f} - {min(bare):.2f} s",
            ),
            row("seconds of train.py --help", told, BAR),
            row("seconds of a config error", refused, BAR),
        ]
    )


if __name__ == "__main__":
    main()
