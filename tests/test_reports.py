"""A report always comes: whatever was stopped, failed or damaged, the rest has its table and page."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from imaging.commands.sweep import after_sweep

CLASSICAL = ["model=identity", "test.sigmas=[0,0.1]"]


def only_sweep(directory: Path) -> Path:
    (sweep,) = directory.glob("multirun/*/*")
    return sweep


@pytest.fixture
def sweep(finished, tiny) -> Path:
    """Three completed runs without a training to speak of, each of another method."""
    return finished("-m", *tiny, "model=identity,total_variation,wavelet")


def change_status(run: Path, **changes) -> None:
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | changes))


def test_a_method_that_is_perfect_without_noise_has_a_page(command, tiny, tmp_path):
    status, printed, complained = command("train.py", "-m", *tiny, *CLASSICAL, "seed=0,1")
    assert (status, complained) == (0, "")
    assert (only_sweep(tmp_path) / "report.html").is_file()
    (line,) = [x for x in printed.splitlines() if x.startswith("identity ")][-1:]
    assert line.split()[1:3] == ["2", "inf"]


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("per_image.csv", lambda data: data[:-30], "per_image.csv, line 9 is cut short"),
        ("per_image.csv", lambda data: data.replace(b"folder", b"folded", 1), "line 2 is damaged"),
        ("per_image.csv", lambda data: data[: data.rindex(b"\n", 0, -1) + 1], "does not have each image"),
        ("examples.npz", lambda data: data[:-30], "the pictures of examples.npz, which cannot be read"),
        ("examples.npz", lambda data: b"", "the pictures of examples.npz, which cannot be read"),
        ("config.yaml", lambda data: b"a: &a [*a]", "config.yaml"),
        ("config.yaml", lambda data: data.replace(b"name: identity", b"name: [1]", 1), "config.yaml"),
        ("status.json", lambda data: b'{"state": 3, "error": [1]}', "status.json: state is 3"),
    ],
)
def test_what_is_damaged_is_named_and_the_others_make_the_page(name, damage, words, sweep):
    (run,) = sweep.glob("0-*")
    (run / name).write_bytes(damage((run / name).read_bytes()))
    (sweep / "report.html").unlink()
    told = collected(sweep)
    assert words in told
    assert (sweep / "report.html").is_file()
    assert {row["run"][0] for row in csv.DictReader((sweep / "per_image.csv").open())} >= {"1", "2"}


def collected(sweep: Path) -> str:
    """What is written under the table of a sweep when it is collected again."""
    after_sweep(sweep)
    return (sweep / "summary.md").read_text().split("Left out:")[1]


@pytest.mark.parametrize("state", ["failed", "interrupted", "running", "queued"])
def test_a_run_that_is_not_completed_is_left_out_though_it_has_records(state, sweep):
    (run,) = sweep.glob("1-*")
    change_status(run, state=state, error="no luck", host="elsewhere")
    assert f"{run.name}: {state} (no luck)" in collected(sweep)
    assert "| total_variation" not in (sweep / "summary.md").read_text()


def untimed(path: Path) -> list[dict]:
    """The records but for the time that they took."""
    return [
        {k: v for k, v in row.items() if k not in ("seconds", "crc32")} for row in csv.DictReader(path.open())
    ]


@pytest.mark.parametrize(
    ("model", "kept"), [("dncnn", 0.3), ("dncnn", 0.5), ("dncnn", 0.99), ("total_variation", 0.5)]
)
def test_a_test_that_was_stopped_goes_on_and_ends_the_same(model, kept, command, finished, tiny):
    run = finished(*tiny, f"model={model}")
    names = ("per_image.csv", "examples.npz", "summary.csv", "metrics.json")
    before = {name: (run / name).read_bytes() for name in names}
    records = untimed(run / "per_image.csv")
    (run / "per_image.csv").write_bytes(before["per_image.csv"][: int(kept * len(before["per_image.csv"]))])
    first = (run / "per_image.csv").read_bytes()
    for name in names[1:]:
        (run / name).unlink()
    change_status(run, state="interrupted")
    assert command("train.py", f"resume={run}")[0] == 0
    assert untimed(run / "per_image.csv") == records
    whole = first[: first.rindex(b"\n") + 1]
    assert (run / "per_image.csv").read_bytes().startswith(whole)  # what was measured is not measured again
    assert (run / "summary.csv").read_bytes() == before["summary.csv"]
    assert json.loads((run / "metrics.json").read_text()) == json.loads(before["metrics.json"])


def test_an_evaluation_that_was_stopped_goes_on(command, run, monkeypatch):
    """The second run of a test fails; what it had measured is not measured again."""
    from imaging.evaluation import run as module

    evaluate, measured = module.run_protocol, []

    def stopped(*arguments, **settings):
        for number, record in enumerate(evaluate(*arguments, **settings)):
            if number == 5:
                raise RuntimeError("the machine stops")
            yield record

    def watched(*arguments, **settings):
        for record in evaluate(*arguments, **settings):
            measured.append(record)
            yield record

    monkeypatch.setattr(module, "run_protocol", stopped)
    with pytest.raises(RuntimeError, match="the machine stops"):
        command("evaluate.py", f"run={run}", "output=again")
    (part,) = Path("again/testing").iterdir()
    assert len(untimed(part)) == 5
    monkeypatch.setattr(module, "run_protocol", watched)
    assert command("evaluate.py", f"run={run}", "output=again")[0] == 0
    assert untimed(Path("again/per_image.csv")) == untimed(run / "per_image.csv")
    assert not Path("again/testing").exists()


def test_an_evaluation_that_was_stopped_leaves_nothing_to_one_of_other_noise(command, run, monkeypatch):
    from imaging.evaluation import run as module

    write = module.refuse_diverged

    def stopped(records):
        raise RuntimeError("the machine stops")

    monkeypatch.setattr(module, "refuse_diverged", stopped)
    with pytest.raises(RuntimeError, match="the machine stops"):
        command("evaluate.py", f"run={run}", "output=again", "sigmas=[0.1]")
    monkeypatch.setattr(module, "refuse_diverged", write)
    assert command("evaluate.py", f"run={run}", "output=again", "sigmas=[0.2]")[0] == 0
    assert {row["sigma"] for row in untimed(Path("again/per_image.csv"))} == {"0.2"}


def test_two_trainings_of_other_noise_are_two_rows_and_compared(command, tiny, tmp_path):
    status, printed, _ = command("train.py", "-m", *tiny, "physics.noise.sigma=0.05,0.2", "seed=0,1")
    assert status == 0
    header, *lines = printed[printed.rindex("method  ") :].splitlines()[:3]
    assert header.split()[:4] == ["method", "training", "sigma", "seeds"]
    assert [line.split()[:3] for line in lines] == [["dncnn", "0.05", "2"], ["dncnn", "0.2", "2"]]
    assert "training sigma 0.2 instead of 0.05: " in printed
    assert "(seeds and images crossed)" in printed
    sweep = only_sweep(tmp_path)
    assert (sweep / "training_matrix.png").is_file()
    rows = list(csv.DictReader((sweep / "summary.csv").open()))
    assert {(row["noise.sigma"], row["seed"], row["sigma"]) for row in rows} == {
        (trained, seed, tested)
        for trained in ("0.05", "0.2")
        for seed in "01"
        for tested in ("0.01", "0.05", "0.1", "0.2")
    }


@pytest.mark.slow
def test_each_blur_has_its_own_measurement(command, tiny, tmp_path):
    arguments = ["experiment=deconvolution", "model=wiener", "psf=gaussian", "psf.sigma=0.6,1.2"]
    assert command("train.py", "-m", *tiny, *arguments)[0] == 0
    lines = (only_sweep(tmp_path) / "summary.md").read_text().splitlines()
    measured = [line.split(" | ")[1:] for line in lines if line.startswith("| measured y")]
    assert [cells[0] for cells in measured] == ["0.6", "1.2"]
    assert measured[0][1] > measured[1][1]
    assert any(line.startswith("gain of PSNR over the measured y") for line in lines)


@pytest.mark.slow
def test_damaged_pictures_come_back_as_the_report_says(command, tiny, tmp_path):
    assert command("train.py", "-m", *tiny, "model=identity,wavelet")[0] == 0
    sweep = only_sweep(tmp_path)
    pictures = next(sweep.glob("0-*")) / "examples.npz"
    pictures.write_bytes(pictures.read_bytes()[:-50])
    advice = collected(sweep).split("python ")[1].split()
    assert command(advice[0], *advice[1:], "accelerator=cpu")[0] == 0
    after_sweep(sweep)
    assert "Left out" not in (sweep / "summary.md").read_text()


def test_a_completed_job_that_cannot_be_read_again_is_no_success(command, tiny, tmp_path):
    words = ["-m", *tiny, "model=identity,wavelet"]
    assert command("train.py", *words)[0] == 0
    sweep = only_sweep(tmp_path)
    (next(sweep.glob("1-*")) / "config.yaml").write_text("seed: [1\n  x")
    status, printed, complained = command("train.py", *words, f"resume={sweep}")
    assert status == 1
    assert "a job failed though it was completed before" in complained
    assert "config.yaml cannot be read" in printed


@pytest.mark.slow
def test_a_sweep_that_decided_is_reported_with_its_looks_whoever_reports_it(command, tiny, tmp_path):
    decide = ["decide=0.001", "decide_max_seeds=3", "model.bias=true,false", "test.sigmas=[0.1]"]
    assert command("train.py", "-m", *tiny, *decide)[0] == 0
    sweep = only_sweep(tmp_path)
    first = (sweep / "comparisons.csv").read_text()
    status, printed, _ = command("evaluate.py", f"run={sweep}", "accelerator=cpu")
    assert status == 0
    assert "Paired differences with 97.2 % intervals for another training" in printed
    assert "Seeds until decided: 3 seeds, the most that were allowed." in printed
    assert (sweep / "comparisons.csv").read_text() == first
    assert "Seeds until decided" in (sweep / "report.html").read_text()


@pytest.mark.slow
def test_two_folders_to_test_on_each_have_their_count_and_the_effect(command, tiny, photographs, tmp_path):
    """Their images have the same names; a pair of these is no pair."""
    shutil.copytree(photographs / "test", tmp_path / "a")
    shutil.copytree(photographs / "test", tmp_path / "b")
    tests = f"data.source.test={tmp_path / 'a'},{tmp_path / 'b'}"
    words = ["model=identity,wavelet", "test.sigmas=[0.1]"]
    status, printed, _ = command("train.py", "-m", *tiny, tests, *words)
    assert status == 0
    assert "mean over 2 test images of folder" in printed
    assert printed.count("wavelet instead of identity (test ") == 2
    assert "not compared: test: it changes the images or how they are tested" in printed
