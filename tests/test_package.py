"""The wheel holds all that its commands need: they work from an empty directory, without the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
SMALL = ["data.max_test_images=1", "data.patches_per_image=2", "data.batch_size=2", "trainer.max_steps=2"]

TWO = ["trainer.devices=2", "trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A directory with the unpacked wheel."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    for name in ("imaging", "hydra_plugins", "conf", "weights"):
        shutil.copytree(CHECKOUT / name, source / name)
    for name in ("pyproject.toml", "setup.py", "requirements.txt", "LICENSE", "train.py", "evaluate.py"):
        shutil.copy(CHECKOUT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", place, source], check=True)
    (wheel,) = place.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", place / "site", wheel], check=True)
    shutil.rmtree(source)
    return place / "site"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import imaging; print(imaging.load('denoiser-best-64').channels)"],
        ["-m", "imaging", "--help"],
        ["-m", "imaging", "train", "experiment=inpainting_bundled", *SMALL],
        ["-m", "imaging", "train", "trainer=ddp", *TWO, *SMALL],
        ["-m", "imaging", "train", "-m", *SMALL, "seed=0,1", "launcher=gpus", "hydra.launcher.devices=cpu:2"],
        ["-m", "imaging", "evaluate", "run=denoiser-32", "data=bundled", "data.max_test_images=1"],
        ["-m", "imaging", "restore", "photo.png", "restored.png", "--network", "denoiser-best-64"],
        ["-m", "imaging", "export", "denoiser-32", "network.pt2"],
        ["-m", "imaging", "lesson", "start", "backprop", "homework"],
    ],
    ids=lambda words: words[-1] if words[0] == "-c" else words[2],
)
def test_a_command_works_without_the_checkout(words, installed, tmp_path):
    shutil.copy(CHECKOUT / "docs" / "noisy.png", tmp_path / "photo.png")
    environment = os.environ | {"PYTHONPATH": str(installed)}
    where = "import imaging; print(imaging.__file__)"
    for arguments in (["-c", where], words):
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert arguments is words or ended.stdout.startswith(str(installed))
