"""The commands as a person types them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

CHECKOUT = Path(__file__).parents[1]


def only_run(directory: Path) -> Path:
    (run,) = directory.glob("outputs/*/*")
    return run


def test_a_run_leaves_what_the_design_says(run):
    names = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file() and "tfevents" not in p.name}
    assert names == {
        "config.yaml",
        "status.json",
        ".lock",
        "metrics.json",
        "per_image.csv",
        "summary.csv",
        "examples.npz",
        "restored.png",
        "restored.svg",
        "restored.pdf",
        "restored.csv",
        "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
    }
    assert json.loads((run / "status.json").read_text())["state"] == "completed"
    assert json.loads((run / "status.json").read_text())["step"] == 2


def test_curves_and_strips_are_in_tensorboard(command, tiny, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert command("train.py", *tiny, "trainer.val_check_interval=1")[0] == 0
    events = EventAccumulator(str(only_run(tmp_path) / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "train/psnr", "train/psnr_input", "val/psnr", "val/psnr_input"} <= set(
        tags["scalars"]
    )
    assert "hp_metric" not in tags["scalars"]
    assert [e.step for e in events.Scalars("train/loss")] == [1, 2]
    (strip,) = tags["images"]
    assert {e.step for e in events.Images(strip)} == {1, 2}
    # The first page of TensorBoard is sorted by tag: it opens on curves.
    assert max(tag for tag in tags["scalars"] if tag.startswith(("train/", "val/"))) < strip


def test_evaluating_a_run_again_gives_its_tables_again(command, run):
    first = list(csv.DictReader((run / "per_image.csv").open()))
    (run / "per_image.csv").unlink()
    status, printed, _ = command("evaluate.py", f"run={run}")
    assert status == 0
    again = list(csv.DictReader((run / "per_image.csv").open()))
    for row, same in zip(first, again, strict=True):
        assert float(row.pop("psnr")) == pytest.approx(float(same.pop("psnr")), abs=2e-3)
        assert float(row.pop("ssim")) == pytest.approx(float(same.pop("ssim")), abs=2e-3)
        assert row.pop("seconds")
        assert same.pop("seconds")
        assert row.pop("crc32")  # it knows the seconds
        assert same.pop("crc32")
        assert row == same
    assert "PSNR in dB, mean over 2 test images of folder" in printed


def test_evaluating_on_other_data_leaves_the_runs_own_tables(command, run):
    before = (run / "summary.csv").read_text()
    arguments = [f"run={run}", "data=bundled", "sigmas=[0.1]"]
    assert command("evaluate.py", *arguments)[0] == 0
    assert (run / "summary.csv").read_text() == before
    rows = list(csv.DictReader((run / "bundled_sigmas-0.1" / "per_image.csv").open()))
    assert {row["data"] for row in rows} == {"bundled"}
    assert {row["sigma"] for row in rows} == {"0.1"}


def test_a_network_that_is_told_sigma_can_be_tested_on_its_estimate(command, tiny, photographs):
    assert command("train.py", *tiny, "experiment=deconvolution_best", "model.hidden_channels=4")[0] == 0
    run = only_run(Path())
    status, printed, _ = command("evaluate.py", f"run={run}", "sigma=estimated")
    assert status == 0
    assert "wiener_pair, sigma estimated" in printed
    tables = (directory / "per_image.csv" for directory in (run, run / "sigma-estimated"))
    told, estimated = ([row["psnr"] for row in csv.DictReader(table.open())] for table in tables)
    assert len(told) == len(estimated)
    assert told != estimated
    status, _, complained = command("evaluate.py", f"run={run}", "sigma=0.1")
    assert (status, complained.count("\n")) == (2, 1)
    assert "sigma is 0.1; expected null or estimated" in complained


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("train.py", ["seed=3", "model=3"], "no 3 in model; there are: admm, admm_tv, biharmonic, "),
        (
            "train.py",
            ["model=dncnn,3", "-m"],
            "no 3 in model; there are: admm, admm_tv, biharmonic, ",
        ),
        (
            "train.py",
            ["model=dncnn,unet", "data=3", "-m"],
            "no 3 in data; there are: bsd68, ",
        ),
        ("train.py", ["model={bias:false}", "schedule=1e3"], "no 1e3 in schedule; there are: constant"),
        ("evaluate.py", ["run=denoiser-32", "data=null"], "data=null chooses nothing: leave it out"),
        ("train.py", ["psf.sigma=3"], "no choice of 'psf' here; it comes with physics=blur"),
        ("train.py", ["launcher=gpus", "launcher.devices=1"], "(did you mean 'hydra.launcher'?)"),
        ("train.py", ["physics=blur", "psf=image", "path=x.png"], "(did you mean 'psf.path'?)"),
        ("train.py", ["model=wiener"], "model.psf is that of 'psf', which the other choices do not bring"),
        ("train.py", ["psf=motion"], "no choice of 'psf' here; it comes with physics=blur"),
        ("train.py", ["sigma=3"], "no setting 'sigma' (did you mean 'physics.noise.sigma'?); there are: "),
        ("train.py", ["model.hiden_channels=3"], "no setting 'model.hiden_channels' (did you mean"),
        ("train.py", ["model=dncn"], "no 'dncn' in model (did you mean 'dncnn'?)"),
        ("train.py", ["experiment=denoisin"], "no 'denoisin' in experiment"),
        (
            "train.py",
            ["model.hidden_channels=many"],
            "model.hidden_channels is 'many'; expected a whole number",
        ),
        ("train.py", ["physics.noise.sigma=-0.1"], "physics.noise.sigma is -0.1; expected"),
        ("train.py", ["physics.noise.sigma=[0.2,0.1]"], "physics.noise.sigma is [0.2, 0.1]; expected"),
        ("train.py", ["test.sigmas=[0.1,-0.1]"], "sigmas is [0.1, -0.1]; expected numbers >= 0"),
        ("train.py", ["data.patch_size=1000"], "is 48x64 pixels, smaller than the patch of 1000x1000"),
        (
            "train.py",
            ["trainer.precision=half"],
            "trainer.precision is 'half'; expected auto, float32 or bf16",
        ),
        ("train.py", ["optimizer.lr=-1"], "optimizer.lr is -1; expected a positive number"),
        ("train.py", ["seed=[1"], "cannot read 'seed=[1'"),
        ("train.py", ["trainer.accelerator=abacus"], "the trainer does not accept these settings"),
        ("train.py", ["trainer.max_epochs=many"], "trainer.max_epochs is 'many'; expected a whole number"),
        (
            "train.py",
            ["trainer.checkpoint_every_n_steps=0"],
            "trainer.checkpoint_every_n_steps is 0; expected",
        ),
        ("train.py", ["data.source.channels=2"], "data.source.channels is 2; expected 1 or 3"),
        ("train.py", ["data.crop=5"], "data.crop is 5; expected"),
        ("train.py", ["test.noise_seeds=0"], "noise_seeds is 0; expected a whole number, at least 1"),
        ("train.py", ["test.examples=abc"], "test.examples is 'abc'; expected a whole number"),
        ("train.py", ["test.examples_sigma=null"], "test.examples_sigma is None; expected a number"),
        (
            "train.py",
            ["trainer.gradient_clip_val=-1"],
            "trainer.gradient_clip_val is -1; expected a positive number or null",
        ),
        ("train.py", ["trainer.max_epochs=-1", "trainer.max_steps=-1"], "the training would not end"),
        (
            "train.py",
            ["trainer.weight_averaging=1"],
            "trainer.weight_averaging is 1; expected a decay between 0 and 1 or null",
        ),
        ("train.py", ["trainer.devices=3", "trainer.strategy=ddp"], "expected a multiple of the 3 ranks"),
        ("train.py", ["resume=nowhere"], "nowhere is not a run directory"),
        ("train.py", [f"resume={__file__}"], "is a file; expected a directory, e.g. that of a run"),
        ("evaluate.py", [], "'run' is not set: add run="),
        ("evaluate.py", ["run=nowhere"], "there is no run"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_any_training(script, arguments, words, command, tiny, tmp_path):
    status, printed, complained = command(script, *(tiny if script == "train.py" else []), *arguments)
    assert status == 2
    assert complained.count("\n") == 1
    assert complained.startswith(f"{script}: ")
    assert words in complained
    assert "step" not in printed
    assert not list(tmp_path.glob("outputs/*/*/checkpoints"))


def test_a_broken_image_is_told_in_one_line(command, tiny, photographs, tmp_path):
    broken = tmp_path / "photographs" / "train"
    broken.mkdir(parents=True)
    for path in (photographs / "train").iterdir():
        Image.open(path).save(broken / f"{path.stem}.jpg")
    whole = (broken / "piece-2.jpg").read_bytes()
    (broken / "piece-2.jpg").write_bytes(whole[: len(whole) // 2])
    status, printed, complained = command("train.py", *tiny, f"data.source.train={broken}")
    assert status == 2
    assert complained.count("\n") == 1
    assert "piece-2.jpg" in complained
    assert "step" not in printed


def test_an_image_smaller_than_the_kernel_is_told_in_one_line(command, tiny, tmp_path):
    arguments = [
        "experiment=deconvolution",
        "model=wiener",
        "data.patch_size=16",
        "psf=gaussian",
        "psf.sigma=6",
    ]
    status, _, complained = command("train.py", *tiny, *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert "smaller than the 37 x 37 psf" in complained


def test_a_run_without_a_checkpoint_and_one_of_another_architecture(command, run):
    path = run / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["config"]["model"]["hidden_channels"] = 5
    torch.save(checkpoint, "other.ckpt")
    status, _, complained = command("evaluate.py", "run=other.ckpt")
    assert (status, complained.count("\n")) == (2, 1)
    assert "does not match its config" in complained
    path.unlink()
    status, _, complained = command("evaluate.py", f"run={run}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "has no checkpoint" in complained


def test_a_failed_job_costs_only_itself(command, tiny, tmp_path):
    status, printed, complained = command("train.py", "-m", *tiny, "name=mixed", "model.depth=1,2")
    assert status == 1
    assert "1 not completed: 0-depth-1 failed (ImagingError: " in complained
    assert "0-depth-1: failed (ImagingError: " in printed
    assert "PSNR in dB" in printed
    (sweep,) = tmp_path.glob("multirun/*/*")
    assert {p.name for p in sweep.iterdir() if p.is_dir()} == {"0-depth-1", "1-depth-2"}


def test_a_completed_run_is_not_resumed_and_a_changed_one_is_refused(command, run, tiny):
    status, _, complained = command("train.py", f"resume={run}")
    assert status == 2
    assert "is completed" in complained
    status, _, complained = command("train.py", *tiny, f"resume={run}", "model.depth=4")
    assert status == 2
    assert "model.depth: 5 -> 4" in complained


def test_ctrl_c_saves_and_a_resumed_run_ends_as_the_uninterrupted_one(command, tiny, tmp_path, monkeypatch):
    """Bit-identical weights, optimiser and curve, after a Ctrl-C somewhere in the middle."""
    from imaging.reporting.curves import read_curves

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    steps = [
        *tiny,
        "trainer.max_steps=800",
        "trainer.max_epochs=100",
        "data.patch_size=16",
        "data.batch_size=1",  # an epoch is 48 steps
        "model.hidden_channels=8",
        "trainer.val_check_interval=190",
    ]
    assert command("train.py", *steps, "name=whole")[0] == 0
    child = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "train.py"), *steps, "name=cut"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        states = [json.loads(p.read_text()) for p in tmp_path.glob("outputs/*/*-cut/status.json")]
        if states and states[0]["step"]:  # it is told with the first validation
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, complained = child.communicate(timeout=120)
    assert child.returncode == 130, complained
    (cut,) = tmp_path.glob("outputs/*/*-cut")
    assert f"to go on: imaging train resume={cut.relative_to(tmp_path)}" in complained
    assert "Traceback" not in complained
    assert json.loads((cut / "status.json").read_text())["state"] == "interrupted"
    step = torch.load(cut / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert 0 < step < 800
    assert json.loads((cut / "status.json").read_text())["step"] == step

    assert command("train.py", f"resume={cut}")[0] == 0
    (whole,) = tmp_path.glob("outputs/*/*-whole")
    ends = [torch.load(r / "checkpoints/last.ckpt", weights_only=True) for r in (whole, cut)]
    for key, value in ends[0]["state_dict"].items():
        assert torch.equal(value, ends[1]["state_dict"][key]), key
    states = [end["optimizer_states"][0]["state"] for end in ends]
    for index, state in states[0].items():
        assert all(torch.equal(state[k], states[1][index][k]) for k in state)
    assert read_curves(whole, ["train/loss"])["train/loss"] == read_curves(cut, ["train/loss"])["train/loss"]
