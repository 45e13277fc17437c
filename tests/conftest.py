"""What several rooms' tests need."""

import io
import os
import shutil
from pathlib import Path

import pytest
from jaxtyping import config as jaxtyping_config
from jaxtyping import install_import_hook

# Before any of these is imported: their annotated shapes are checked in every call.
install_import_hook(["imaging.physics", "imaging.models", "imaging.metrics"], "shapes.only_shapes")


@pytest.fixture
def shapes_unchecked():
    """The shapes are not checked in this test: torch 2.6 cannot trace the checks."""
    jaxtyping_config.update("jaxtyping_disable", True)
    yield
    jaxtyping_config.update("jaxtyping_disable", False)


class Terminal(io.StringIO):
    """A stderr that is a terminal, of 120 columns."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where the real data sets lie: IMAGING_DATA, else shared/data beside the checkout or data in it."""
    checkout = Path(__file__).parents[1]
    named = os.environ.get("IMAGING_DATA")
    places = [Path(named)] if named else [checkout.parent / "shared" / "data", checkout / "data"]
    for place in places:
        if (place / "BSDS300" / "images").is_dir() and (place / "MNIST" / "raw").is_dir():
            return place
    pytest.skip(f"no BSDS300 and MNIST in {' or '.join(map(str, places))}: set IMAGING_DATA")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory) -> Path:
    """A folder with train/ and test/: five and two pieces, 48×64 pixels, of a photograph."""
    from PIL import Image
    from skimage.data import astronaut

    root = tmp_path_factory.mktemp("photographs")
    for index in range(7):
        path = root / ("train" if index < 5 else "test") / f"piece-{index}.png"
        path.parent.mkdir(exist_ok=True)
        top, left = 40 + 60 * (index % 4), 100 + 70 * (index // 4)
        Image.fromarray(astronaut()[top : top + 48, left : left + 64]).save(path)
    return root


@pytest.fixture
def tiny(photographs) -> list[str]:
    """Overrides that make any experiment a matter of a second."""
    return [
        "data=folder",
        f"data.source.train={photographs / 'train'}",
        f"data.source.test={photographs / 'test'}",
        "data.patch_size=16",
        "data.validation_images=1",
        "data.batch_size=4",
        "trainer.max_steps=2",
        "trainer.log_every_n_steps=1",
        "trainer.accelerator=cpu",
    ]


@pytest.fixture(scope="session")
def trained() -> dict[tuple[str, ...], Path]:
    """What `finished` has trained, by the arguments of train.py."""
    return {}


@pytest.fixture
def finished(command, tmp_path, tmp_path_factory, trained):
    """A function of train.py's arguments that gives the finished run or sweep.

    It is trained for the first test that asks for it; the others get a copy.
    """

    def finished(*arguments: str) -> Path:
        place = tmp_path / ("multirun" if "-m" in arguments else "outputs")
        if arguments in trained:
            shutil.copytree(trained[arguments], place)
        else:
            assert command("train.py", *arguments)[0] == 0
            trained[arguments] = shutil.copytree(place, tmp_path_factory.mktemp("trained") / place.name)
        (directory,) = place.glob("*/*")
        return directory

    return finished


@pytest.fixture
def run(finished, tiny) -> Path:
    """A finished run of two steps."""
    return finished(*tiny)


@pytest.fixture
def command(monkeypatch, tmp_path, capfd):
    """Run train.py or evaluate.py, with the jobs of a sweep, in this process and in an empty directory.

    The Jacobian of a network without biases is that of a smaller piece, which is a sixteenth of the work.

    Returns a function of the script's name and its arguments that gives (exit status, what was printed,
    what was complained).
    """
    import importlib
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("imaging.evaluation.linear_view.CROP", 8)

    def run(script: str, *arguments: str) -> tuple[int, str, str]:
        is_sweep = "-m" in arguments or any(word.startswith("sweep=") for word in arguments)
        if is_sweep and not any(word.startswith("launcher=") for word in arguments):
            first = next(i for i, word in enumerate(arguments) if not word.startswith("-"))
            arguments = (*arguments[:first], "launcher=basic", *arguments[first:])
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        capfd.readouterr()
        try:
            importlib.import_module(script.removesuffix(".py")).main()
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capfd.readouterr()

    return run
