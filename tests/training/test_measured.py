"""Training, choosing and testing without clean images."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.evaluation import testing
from imaging.randomness import generator
from imaging.tasks import equations, reconstruction

SIGMA = 0.1


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Two noisy versions, in directories `a` and `b`, of six smooth images; 16-bit files, not clipped."""
    directory = tmp_path_factory.mktemp("noisy")
    grid = torch.linspace(0, 5, 48)
    for index in range(6):
        x = 0.5 + 0.1 * torch.sin(grid + index)[:, None] * torch.cos(grid)[None]
        for name in "ab":
            y = x + SIGMA * torch.randn(x.shape, generator=generator(index, name))
            assert y.min() > 0
            assert y.max() < 1
            path = directory / name / f"{index}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray((y * 65535).round().numpy().astype(np.uint16)).save(path)
    return directory


@pytest.fixture
def measured(noisy, tiny) -> list[str]:
    """Arguments of a small training on noisy images."""
    ours = [word for word in tiny if not word.startswith(("data.source", "trainer.max_steps"))]
    return [
        *ours,
        "data.clean=false",
        f"data.source.train={noisy}/a",
        f"data.source.test={noisy}/a",
        "data.source.channels=1",
        f"physics.noise.sigma={SIGMA}",
        "trainer.max_steps=120",
        "trainer.max_epochs=-1",
        "trainer.val_check_interval=20",
        "optimizer.lr=0.003",
        "model.hidden_channels=8",
    ]


@pytest.fixture
def never(monkeypatch):
    """Whatever needs a clean image raises."""

    def refuse(*arguments, **settings):
        raise AssertionError("a measurement was taken for a clean image")

    monkeypatch.setattr(equations.Equations, "corrupt", refuse)
    for module in (testing, reconstruction):
        monkeypatch.setattr(module, "psnr", refuse)
    monkeypatch.setattr(testing, "ssim", refuse)


def trained(command, tmp_path, *arguments: str) -> tuple[Path, str]:
    """The directory of a run or sweep, and what the training printed."""
    status, printed, complained = command("train", *arguments)
    assert status == 0, complained
    (directory,) = tmp_path.glob("multirun/*/*" if "-m" in arguments else "outputs/*/*")
    return directory, printed


def test_a_run_never_looks_for_clean_images(measured, command, never, tmp_path):
    directory, printed = trained(command, tmp_path, *measured, "loss=sure")
    assert "expected PSNR in dB, mean over" in printed
    assert "\nPSNR" not in printed
    metrics = json.loads((directory / "metrics.json").read_text())
    assert metrics["val/expected_psnr"] > 21
    assert metrics[f"test/expected_psnr/{SIGMA:g}"] > metrics[f"test/expected_psnr_input/{SIGMA:g}"] + 1
    assert not any(name.startswith(("val/psnr", "test/psnr", "test/ssim", "train/psnr")) for name in metrics)
    rows = list(csv.DictReader((directory / "summary.csv").open()))
    assert rows[0].keys() >= {"expected_psnr_mean", "gain_mean"}
    assert rows[0].keys().isdisjoint({"psnr_mean", "ssim_mean"})
    records = list(csv.DictReader((directory / "per_image.csv").open()))
    assert {record["convention"] for record in records} == {"expected"}
    assert records[0].keys() >= {"expected_psnr", "expected_psnr_input"}
    assert "psnr" not in records[0]
    assert (directory / "checkpoints" / "best.ckpt").is_file()
    assert (directory / "restored.png").is_file()


@pytest.mark.slow
def test_a_sweep_is_ranked_by_what_is_expected(measured, command, never, tmp_path):
    varied = ["loss=sure", "model.hidden_channels=2,8", "seed=0,1"]
    directory, _ = trained(command, tmp_path, "-m", *measured, *varied)
    text = (directory / "summary.md").read_text()
    assert "expected PSNR in dB, mean over" in text
    page = (directory / "report.html").read_text()
    assert "there are no clean images: expected PSNR is" in page
    assert "Expected PSNR against test noise" in page
    assert "; PSNR is 10 log10" not in page
    assert "clean" not in page[page.index("const images") :].split("</script>")[0].split(";")[0]
    assert list(csv.DictReader((directory / "comparisons.csv").open()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["loss=mse"], "data.clean=false, and this loss needs clean images"),
        (["loss=noise2noise"], "loss=noise2noise needs two measurements of each scene"),
        (["loss=sure", "physics.noise.sigma=0"], "sigma"),
        (["loss=sure", "physics.noise.sigma=[0.05,0.1]"], "physics.noise.sigma is [0.05, 0.1]; expected one"),
        (
            ["loss=noise2self", "physics.noise.sigma=0"],
            "physics.noise.sigma is 0; expected that of the images",
        ),
        (["loss=sure", "data.validation_images=6"], "holds out all 6 training images"),
        (
            ["loss=sure", "data.source.channels=3"],
            "the train images are gray or RGB, and",
        ),
        (
            ["loss=sure", "physics=single_pixel", "task=reconstruction"],
            "expected one whose measurements are, such as physics=noise",
        ),
        (["loss=sure", "physics=blur", "task=deconvolver"], "a patch of y is not the measurement of a patch"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_the_training(change, words, measured, command):
    status, _, complained = command("train", *measured, *change)
    assert (status, complained.count("\n")) == (2, 1)
    assert words in complained


def test_pairs_that_do_not_fit_are_refused(measured, noisy, command, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    for index in range(6):
        with Image.open(noisy / "b" / f"{index}.png") as image:
            image.crop((0, 0, 40, 48)).save(second / f"{index}.png")
    pairs = ["data=folder_pairs" if word == "data=folder" else word for word in measured]
    pairs += ["loss=noise2noise", f"data.source.test_again={noisy}/b"]
    status, _, complained = command("train", *pairs, f"data.source.train_again={second}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "the two measurements of 5 are 48x48 and 48x40 pixels" in complained
    (second / "5.png").unlink()
    status, _, complained = command("train", *pairs, f"data.source.train_again={second}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "differ in 5; expected two measurements of each scene" in complained


def test_pairs_train_without_a_sigma(measured, noisy, command, never, tmp_path):
    pairs = ["data=folder_pairs" if word == "data=folder" else word for word in measured]
    again = [f"data.source.{split}_again={noisy}/b" for split in ("train", "test")]
    directory, _ = trained(command, tmp_path, *pairs, *again, "loss=noise2noise", "physics.noise.sigma=0.5")
    metrics = json.loads((directory / "metrics.json").read_text())
    # 0.5 is wrong, and is not used.
    assert metrics["test/expected_psnr_input/0.5"] == pytest.approx(20, abs=0.3)
    assert metrics["val/expected_psnr"] > 21


def test_clean_images_are_measured_again_by_evaluate(measured, command, photographs, tmp_path):
    directory, _ = trained(command, tmp_path, *measured, "loss=sure")
    clean = ["data=folder", f"data.source.test={photographs / 'test'}", "sigmas=[0.1]"]
    status, printed, complained = command("evaluate", f"run={directory}", *clean)
    assert status == 0, complained
    assert "PSNR in dB, mean over" in printed
    assert "expected" not in printed


def test_equal_measurements_are_no_pair(measured, noisy, command):
    pairs = ["data=folder_pairs" if word == "data=folder" else word for word in measured]
    again = [f"data.source.{split}_again={noisy}/a" for split in ("train", "test")]
    status, _, complained = command("train", *pairs, *again, "loss=noise2noise")
    assert (status, complained.count("\n")) == (2, 1)
    assert "the two measurements of a scene are equal" in complained


def test_a_sigma_that_does_not_look_like_the_noise_is_told(measured, command):
    status, _, complained = command("train", *measured, "loss=sure", "physics.noise.sigma=0.02")
    assert status == 0
    assert "looks like sigma 0." in complained
    assert "and physics.noise.sigma is 0.02" in complained


def test_early_stopping_looks_at_what_is_expected(measured, command, tmp_path):
    settings = ["callbacks=early_stopping", "callbacks.early_stopping.patience=1"]
    settings += ["callbacks.early_stopping.min_delta=1000"]  # dB: the second validation is no gain
    directory, _ = trained(command, tmp_path, *measured, "loss=sure", *settings)
    assert json.loads((directory / "status.json").read_text())["step"] == 40


def test_a_classical_method_needs_no_loss_without_clean_images(measured, command, never):
    ours = [word for word in measured if not word.startswith("model.")]
    status, printed, complained = command("train", *ours, "model=total_variation", "loss=mse")
    assert status == 0, complained
    assert "expected PSNR in dB" in printed
