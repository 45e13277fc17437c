"""A photograph of 100 megapixels through `imaging restore`: the memory that it takes.

    python benchmarks/photograph.py

Peak resident memory of `imaging restore photo.jpg restored.jpg --network …` with a denoiser of five layers
and 32 channels, less that for a tiny image, over what is allowed: 1.5 GiB and the image as float32.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from ruler import CHECKOUT, finish, row

HEIGHT, WIDTH = 8000, 12500


def train(directory: Path) -> Path:
    """The directory of a run of one step."""
    words = [
        "trainer.max_steps=1",
        "data.max_test_images=1",
        "model.hidden_channels=32",
        "trainer.accelerator=cpu",
    ]
    command = [sys.executable, str(CHECKOUT / "train.py"), *words]
    subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)
    (run,) = directory.glob("outputs/*/*")
    return run


def peak(run: Path, directory: Path, name: str, size: tuple[int, int]) -> int:
    """Highest resident bytes of `imaging restore` on a picture of this size."""
    line = np.linspace(0, 255, size[1], dtype=np.uint8)
    Image.fromarray(np.broadcast_to(line[None, :, None], (*size, 3)).copy()).save(directory / name)
    words = [name, "restored.jpg", "--network", str(run), "--device", "cpu"]
    command = [sys.executable, "-m", "imaging", "restore", *words]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"imaging restore ends with {status}")
    return usage.ru_maxrss * 1024


def main() -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        run = train(directory)
        used = -peak(run, directory, "small.png", (64, 64)) + peak(
            run, directory, "large.jpg", (HEIGHT, WIDTH)
        )
    allowed = 1.5 * 2**30 + 3 * HEIGHT * WIDTH * 4
    finish([row("100 megapixels: memory used / allowed", [used / allowed], 1, f"{used / 2**30:.2f} GiB")])


if __name__ == "__main__":
    main()
