"""evaluate.py on what is there: the same numbers whatever the batches, and a table whatever has failed."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image


def rows(path) -> list[dict]:
    """The records of a `per_image.csv`, but for the measurement of time and the checksum, which knows it."""
    records = list(csv.DictReader(path.open()))
    assert all(record.pop("crc32", "none") for record in records)
    assert all(float(record.pop("seconds")) > 0 for record in records)
    return records


def test_batch_size_and_workers_do_not_change_a_digit(command, run):
    """The training's last test, an evaluation of its checkpoint, and one with other loaders: one table."""
    tables = [rows(run / "per_image.csv")]
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for number, (batch_size, workers) in enumerate(((4, 0), (1, 2), (7, 1))):
        checkpoint["config"]["data"] |= {"batch_size": batch_size, "workers": workers}
        torch.save(checkpoint, "one.ckpt")
        assert command("evaluate.py", "run=one.ckpt", f"output=again-{number}")[0] == 0
        again = rows(run.parents[2] / f"again-{number}" / "per_image.csv")
        assert {record.pop("run") for record in again} == {"one.ckpt"}
        tables.append(again)
    for record in tables[0]:
        record.pop("run")
    assert len(tables[0]) == 2 * 4
    assert tables[1:] == [tables[0]] * 3


def test_a_single_run_that_is_not_completed_is_tested_and_told(command, run):
    tables = [rows(run / "per_image.csv")]
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | {"state": "interrupted", "step": 1, "steps": 2}))
    status, _, complained = command("evaluate.py", f"run={run}", "output=again")
    assert status == 0
    assert complained == f"{run}: interrupted, step 1 of 2; its last checkpoint is tested\n"
    assert [rows(run.parents[2] / "again" / "per_image.csv")] == tables


@pytest.mark.slow
def test_a_sweep_with_failures_still_gives_its_table(command, tiny, tmp_path):
    """Of five runs one is complete, one has failed, one lost its checkpoint, one runs, one was killed."""
    assert command("train.py", "-m", *tiny, "seed=0,1,2,3,4")[0] == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    runs = sorted(path for path in sweep.iterdir() if path.is_dir())
    states = {1: ("failed", "ValueError: no luck"), 3: ("running", None), 4: ("running", None)}
    for number, (state, error) in states.items():
        status = json.loads((runs[number] / "status.json").read_text())
        status |= {"state": state, "error": error, "step": 1, "steps": 2}
        if number == 3:
            status["host"] = "elsewhere"  # where this process cannot look for it
        (runs[number] / "status.json").write_text(json.dumps(status))
    shutil.rmtree(runs[2] / "checkpoints")
    own = (sweep / "summary.csv").read_text()
    status, printed, complained = command("evaluate.py", f"run={sweep}", "sigmas=[0.1,0.2]")
    assert (status, complained) == (0, "")
    assert (sweep / "summary.csv").read_text() == own
    sweep = sweep / "sigmas-0.1-0.2"  # another protocol than the sweep's own
    for words in (
        "1-seed-1: failed (ValueError: no luck), step 1 of 2",
        "2-seed-2: ",
        "has no checkpoint",
        "3-seed-3: running, step 1 of 2",
        "4-seed-4: killed, step 1 of 2",
    ):
        assert words in printed
        assert words in (sweep / "summary.md").read_text()
        assert words in (sweep / "report.html").read_text()
    summary = list(csv.DictReader((sweep / "summary.csv").open()))
    assert [(row["run"], row["state"], row["sigma"]) for row in summary] == [
        ("0-seed-0", "completed", "0.1"),
        ("0-seed-0", "completed", "0.2"),
        ("1-seed-1", "failed", ""),
        ("2-seed-2", "completed", ""),
        ("3-seed-3", "running", ""),
        ("4-seed-4", "killed", ""),
    ]


def test_a_sweep_of_which_nothing_can_be_tested_says_why(command, tiny, tmp_path):
    assert command("train.py", "-m", *tiny, "seed=0,1")[0] == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    status, _, complained = command("evaluate.py", f"run={sweep}", "sigma=estimated")
    assert (status, complained.count("\n")) == (2, 1)
    assert complained.startswith("evaluate.py: sigma=estimated is for a network that takes sigma")
    for path in sweep.glob("*/checkpoints"):
        shutil.rmtree(path)
    status, _, complained = command("evaluate.py", f"run={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert complained.count("has no checkpoint") == 2


def test_a_run_of_a_sweep_that_cannot_be_tested_so_is_left_out(command, tiny, tmp_path):
    """Poisson noise has no sigma."""
    noises = ["model=identity", "noise=gaussian,poisson"]
    assert command("train.py", "-m", *tiny, *noises)[0] == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    status, printed, _ = command("evaluate.py", f"run={sweep}", "sigmas=[0.3]")
    assert status == 0
    assert "poisson: " in printed
    assert {row["sigma"] for row in rows(sweep / "sigmas-0.3" / "per_image.csv")} == {"0.3"}


def test_other_images_of_equal_names_are_measured_again(command, run, photographs, monkeypatch, tmp_path):
    """After a test that was stopped, too, into the same directory."""
    from imaging.commands import evaluate as module

    tested = ["evaluate.py", f"run={run}", "data=folder", "output=again"]
    shutil.copytree(photographs / "test", "other")
    for path in (tmp_path / "other").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_sweep", lambda *_: 1 / 0)  # the machine stops before the report
        with pytest.raises(ZeroDivisionError):
            command(*tested, f"data.source.test={photographs / 'test'}")
    assert command(*tested, "data.source.test=other")[0] == 0
    found = rows(tmp_path / "again" / "per_image.csv")
    assert command(*tested[:-1], "data.source.test=other", "output=alone")[0] == 0
    assert rows(tmp_path / "alone" / "per_image.csv") == found


@pytest.mark.parametrize(
    ("pixel", "words"), [("[500,3]", "a row below 48"), ("[1]", "expected [row, column] or null")]
)
def test_a_pixel_that_is_none_is_told(pixel, words, command, run):
    status, _, complained = command("evaluate.py", f"run={run}", f"pixel={pixel}")
    assert (status, complained.count("\n")) == (2, 1)
    assert words in complained


def test_a_deconvolver_is_tested_on_another_blur(command, tiny, tmp_path):
    """The table is that of a run with this blur and the same weights; the Wiener filter has none."""
    wiener = ["experiment=deconvolution", "model=wiener", "data.batch_size=2", "psf.sigma=2"]
    assert command("train.py", *tiny, *wiener[:-1], "hydra.run.dir=digit")[0] == 0
    assert command("train.py", *tiny, *wiener, "psf=gaussian", "hydra.run.dir=gaussian")[0] == 0
    status, printed, _ = command("evaluate.py", "run=digit", "psf=gaussian", "psf.sigma=2")
    assert status == 0
    assert "wiener, psf gaussian 2 " in printed
    found, expected = (
        rows(tmp_path / "digit" / "psf-gaussian-2" / "per_image.csv"),
        rows(tmp_path / "gaussian" / "per_image.csv"),
    )
    assert [(r["psnr"], r["psnr_input"]) for r in found] == [(r["psnr"], r["psnr_input"]) for r in expected]


def test_a_solver_is_tested_on_a_blur_with_another_boundary(command, tiny, tmp_path):
    solver = ["experiment=deconvolution", "model=admm_tv", "model.iterations=2", "data.batch_size=2"]
    assert command("train.py", *tiny, *solver, "hydra.run.dir=whole")[0] == 0
    assert (
        command("train.py", *tiny, *solver, "physics.operator.boundary=valid", "hydra.run.dir=seen")[0] == 0
    )
    status, printed, _ = command("evaluate.py", "run=whole", "boundary=valid")
    assert status == 0
    assert "admm, valid boundary " in printed
    found, measured = (
        rows(path / "per_image.csv") for path in (tmp_path / "whole" / "valid-boundary", tmp_path / "seen")
    )
    assert [r["psnr_input"] for r in found] == [r["psnr_input"] for r in measured]
    status, _, complained = command("evaluate.py", "run=whole", "boundary=round")
    assert (status, complained.count("\n")) == (2, 1)
    assert "physics.operator.boundary is 'round'; expected circular, valid, reflect or zero" in complained


def test_another_protocol_does_not_replace_the_tables_of_its_own(command, run):
    before = (run / "per_image.csv").read_text(), (run / "examples.npz").read_bytes()
    assert command("evaluate.py", f"run={run}", "sigmas=0.3", "noise_seeds=2")[0] == 0
    assert ((run / "per_image.csv").read_text(), (run / "examples.npz").read_bytes()) == before
    again = list(csv.DictReader((run / "sigmas-0.3_noise_seeds-2" / "per_image.csv").open()))
    assert [(row["sigma"], row["noise_seed"]) for row in again] == [("0.3", s) for s in "0011"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["noise_seeds=abc"], "noise_seeds is 'abc'; expected a whole number, from 1 to 10000"),
        (["sigmas=[0.1,0.1]"], "sigmas is [0.1, 0.1]; expected each value once"),
        (["sigmas=many"], "sigmas is ['many']; expected numbers >= 0"),
        (["accelerator=abacus"], "there is no device 'abacus' here ("),
        (["data=bundled", "data.batch_size=3"], "data.batch_size cannot change"),
        (["image=a.png"], "no setting 'image': photographs are restored by: imaging restore"),
        (["image=a(1).png"], "no setting 'image': photographs are restored by: imaging restore"),
        (
            ["psf=gaussian"],
            "psf is for a network that takes the blur, such as deconvolver; this one, dncnn, ",
        ),
        (
            ["boundary=valid"],
            "boundary is for a network that takes the blur, such as deconvolver; this one, ",
        ),
        (["mask=a.png"], "no setting 'mask': photographs are restored by: imaging restore"),
        (["peaks=[100]"], "peaks is not for a run whose noise has a sigma: set sigmas=[…]"),
        (["output=restored.png"], "output is restored.png; expected a directory"),
        (["export=a.pt2"], "no setting 'export': networks are exported by: imaging export"),
        (["self_ensemble=off"], "self_ensemble is 'off'; expected true or false"),
        (["sigma=estimated"], "is for a network that takes sigma; this one does not"),
        (["data.max_test_images=1"], "'data' without a choice of it: add data=…, one of: bsd68, bsds300, "),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, words, command, run):
    status, _, complained = command("evaluate.py", f"run={run}", *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert words in complained


def test_fewer_images_can_be_tested_and_a_run_may_have_a_number_for_a_name(command, run):
    run.rename(run.parents[2] / "7")
    arguments = ["run=7", "data=bundled", "data.max_test_images=1", "sigmas=[0.1]"]
    status, printed, _ = command("evaluate.py", *arguments)
    assert status == 0
    assert "7: 1 images (data.max_test_images=1) × 1 sigmas" in printed
    table = run.parents[2] / "7" / "bundled_first-1_sigmas-0.1" / "per_image.csv"
    assert len(list(csv.DictReader(table.open()))) == 1


def test_the_tables_of_two_folders_of_one_name_do_not_replace_each_other(command, run, tmp_path):
    random = np.random.default_rng(0)
    for place in ("a", "b"):
        (tmp_path / place / "test").mkdir(parents=True)
        image = Image.fromarray(random.integers(0, 256, (32, 40, 3), dtype=np.uint8))
        image.save(tmp_path / place / "test" / f"{place}.png")
        words = ["data=folder", f"data.source.test={tmp_path / place / 'test'}"]
        assert command("evaluate.py", f"run={run}", *words, "sigmas=[0.1]")[0] == 0
    tables = sorted(path.read_text() for path in run.glob("folder_test_*_sigmas-0.1/per_image.csv"))
    assert len(tables) == 2
    assert ["a,0.1" in table for table in tables] != ["b,0.1" in table for table in tables]
