"""`imaging verify`: what it finds, what it leaves alone, and its mistakes in one line."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tampering import CAREFUL, NAIVE, change_config, lines_of, rechain

from imaging.runs.config import read_config
from imaging.runs.ledger import read_ledger

SMALL = [
    "trainer.max_steps=8", "trainer.max_epochs=-1", "trainer.val_check_interval=4",
    "trainer.checkpoint_every_n_steps=4", "trainer.weight_averaging=0.9", "callbacks=ledger",
    "callbacks.ledger.every_n_steps=2", "callbacks.ledger.keep=2", "model.hidden_channels=4", "model.depth=3",
    "test.sigmas=[0.05,0.1]", "physics.noise.sigma=0.1", "trainer.precision=float32",
]  # fmt: skip
ALL = ["--segments", "all", "--images", "all", "--seed", "0"]


@pytest.fixture
def recorded(finished, tiny) -> Path:
    """A run of eight steps with a ledger."""
    return finished(*tiny, *SMALL)


def files(run: Path) -> dict:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}


def test_a_run_is_verified_and_nothing_is_written_into_it(imaging, recorded, tmp_path):
    before = files(recorded)
    status, printed, complained = imaging("verify", recorded, *ALL)
    assert (status, complained) == (0, "")
    assert printed.endswith("\nverified\n")
    assert "steps 0 to 4 trained again: 2 lines agree, bit for bit" in printed
    assert "steps 4 to 8 trained again: 2 lines agree, bit for bit" in printed
    assert "2 of 2 images, 4 records" in printed
    assert "DIFFERS" not in printed
    assert files(recorded) == before


def test_an_evaluation_of_the_same_run_leaves_it_verified(imaging, command, recorded):
    assert command("evaluate.py", f"run={recorded}", "accelerator=cpu")[0] == 0
    status, printed, _ = imaging("verify", recorded, "--segments", "0", "--images", "0")
    assert status == 0
    assert printed.endswith("\nverified, but nothing was trained or tested again\n")


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (NAIVE["two lines exchanged"], "ledger.csv: line "),
        (NAIVE["an averaged weight of last.ckpt"], "last.ckpt, step 8: the averaged weights differ (ledger "),
        (CAREFUL["a kept checkpoint and its line"], ": the weights differ (ledger "),
        (CAREFUL["a PSNR and all that follows"], "psnr is "),
        (CAREFUL["the seed"], "step 2: the weights differ (ledger "),
    ],
)
def test_tampering_is_caught_and_named(tamper, words, imaging, recorded):
    tamper(recorded, random.Random(0))
    status, printed, complained = imaging("verify", recorded, *ALL)
    assert (status, complained) == (1, "")
    assert words in "".join(line for line in printed.splitlines() if line.startswith("DIFFERS"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAIVE, *CAREFUL])
def test_every_tampering_is_caught(name, imaging, recorded):
    (NAIVE | CAREFUL)[name](recorded, random.Random(name))
    status, printed, complained = imaging("verify", recorded, *ALL)
    assert status in (1, 2), printed
    assert "\nverified\n" not in printed
    assert complained.count("\n") == (status == 2)


def as_if_elsewhere(run: Path, **facts: str) -> None:
    start, *lines = lines_of(run)
    rechain(run, [replace(start, facts=start.facts | facts), *lines])


def test_on_another_machine_the_tolerance_is_told_and_equal_bits_stay_equal(imaging, recorded):
    as_if_elsewhere(recorded, processor="another one", threads="77")
    status, printed, _ = imaging("verify", recorded, *ALL)
    assert status == 0
    assert "processor: another one in the ledger, " in printed
    assert "threads: 77 in the ledger, 1 here" in printed
    assert "so bits may differ; then the weights of a first line may differ by 0.1 of their way" in printed
    assert "bit for bit" in printed


def test_on_another_machine_weights_may_differ_by_the_tolerance(imaging, recorded, monkeypatch):
    """A rounding that differs: each convolution's result is a little larger."""
    as_if_elsewhere(recorded, processor="another one")
    convolve = torch.nn.Conv2d.forward
    for factor, status in ((1 + 1e-5, 0), (1.2, 1)):
        monkeypatch.setattr(torch.nn.Conv2d, "forward", lambda self, x, f=factor: f * convolve(self, x))
        ended, printed, _ = imaging("verify", recorded, "--steps", "4-8", "--images", "0")
        assert ended == status, printed
        assert ("not bit for bit: the weights of the first line by" in printed) == (status == 0)
    assert "of their way since step 4; expected 0.1 at most" in printed or "the loss differs by" in printed


def test_another_machine_does_not_excuse_another_training(imaging, recorded):
    change_config(recorded, "loss.name", "log_mse")
    as_if_elsewhere(recorded, processor="another one")
    status, printed, _ = imaging("verify", recorded, "--steps", "0-2", "--images", "0")
    assert status == 1
    assert "DIFFERS  step 2: " in printed


def test_another_machine_does_not_excuse_another_learning_rate(imaging, recorded):
    change_config(recorded, "optimizer.lr", 0.0011)
    as_if_elsewhere(recorded, processor="another one")
    status, printed, _ = imaging("verify", recorded, "--segments", "0", "--images", "0")
    assert status == 1
    assert "DIFFERS  step 0: the optimiser's state differs (ledger " in printed


def test_without_kept_checkpoints_and_of_a_run_that_was_not_completed(imaging, recorded):
    for path in (recorded / "checkpoints").glob("step-*.ckpt"):
        path.unlink()
    (recorded / "checkpoints" / "best.ckpt").unlink()
    (recorded / "metrics.json").unlink()
    (recorded / "status.json").write_text('{"state": "interrupted"}')
    rechain(recorded, lines_of(recorded)[:-1])
    status, printed, _ = imaging("verify", recorded, *ALL)
    assert status == 0
    assert "the run is not completed, and what there is is verified" in printed
    assert "steps 0 to 4 trained again: 2 lines agree" in printed


def test_stated_steps_begin_at_the_nearest_checkpoint(imaging, recorded):
    _, printed, _ = imaging("verify", recorded, "--steps", "5-7", "--images", "0")
    assert "steps 4 to 8 trained again: 2 lines agree, bit for bit" in printed


def test_images_that_have_moved_are_found(imaging, recorded, tmp_path):
    source = read_config(recorded)["data"]["source"]
    moved = [f"--place=data.source.{split}={tmp_path / split}" for split in ("train", "test")]
    for split in ("train", "test"):
        shutil.copytree(source[split], tmp_path / split)
    assert imaging("verify", recorded, *moved)[0] == 0
    for path in (tmp_path / "test").iterdir():  # other images of the same names
        shutil.copy(next((tmp_path / "train").iterdir()), path)
    status, printed, _ = imaging("verify", recorded, *moved)
    assert status == 1
    assert "measured again" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "there is no run directory nothing"),
        (["RUN", "--steps", "4-100"], "--steps 4-100: expected two steps from 0 to 8, where the ledger ends"),
        (["RUN", "--steps", "4"], "argument --steps: '4' is not two steps, e.g. 1000-1500"),
        (["RUN", "--segments", "some"], "argument --segments: 'some' is not a whole number or 'all'"),
        (["RUN", "--tolerance", "2"], "argument --tolerance: '2' is not a number between 0 and 1"),
        (["RUN", "--place", "x"], "argument --place: 'x' is not of the form data.source.test=photos"),
        (["RUN", "--place", "seed=3"], "--place seed: expected one of data.source.root, "),
        (["RUN", "--device", "abacus"], "there is no device 'abacus' here"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, message, imaging, recorded):
    words = [str(recorded) if word == "RUN" else word for word in words]
    status, _, complained = imaging("verify", *words)
    assert (status, complained.count("\n")) == (2, 1)
    assert message in complained


def test_a_run_without_a_ledger_is_told_how_to_have_one(imaging, run):
    status, _, complained = imaging("verify", run)
    assert status == 2
    assert complained.endswith("ledger.csv: train with callbacks=ledger to have one\n")


def test_a_run_that_is_training_is_refused(imaging, recorded, monkeypatch):
    monkeypatch.setattr("imaging.runs.lock.is_locked", lambda directory: True)
    status, _, complained = imaging("verify", recorded)
    assert status == 2
    assert "another process is working in" in complained


STRANGE = ["[]", "3", "{a: 3}", "{ledger: {name: [1]}}", "{ledger: {name: ledger, every_n_steps: 0}}"]


@pytest.mark.parametrize("callbacks", STRANGE)
def test_a_config_of_strange_callbacks_is_no_traceback(callbacks, imaging, recorded):
    text = (recorded / "config.yaml").read_text()
    begin, rest = text.split("callbacks:\n", 1)
    after = "\n".join(rest.split("\n")[4:])
    (recorded / "config.yaml").write_text(f"{begin}callbacks: {callbacks}\n{after}")
    status, _, complained = imaging("verify", recorded)
    assert (status, complained.count("\n")) in ((1, 0), (2, 1))


def test_the_ledger_of_a_resumed_test_is_closed_once(command, recorded):
    whole = (recorded / "ledger.csv").read_bytes()
    (recorded / "status.json").write_text('{"state": "interrupted"}')
    (recorded / "metrics.json").unlink()
    assert command("train.py", f"resume={recorded}")[0] == 0
    assert (recorded / "ledger.csv").read_bytes() == whole
    assert read_ledger(recorded / "ledger.csv").end is not None
