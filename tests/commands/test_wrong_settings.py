"""Settings of a wrong kind, deleted ones and huge ones: one line, before any training.

`tests/attacks/overrides.py` tries random ones.
"""

import os
import sys

import pytest

TINY = ["debug=default", "trainer.accelerator=cpu", "data.crop=[96,96]"]
BLUR = ["experiment=deconvolution", "data=bundled"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["~task"], "task.name is missing; expected a name"),
        (["~test"], "test.sigmas is missing; expected a number or a list of numbers"),
        (["~data.source.name"], "data.source.name is missing; expected a name"),
        (["~optimizer"], "optimizer is missing; expected a mapping"),
        (["~imports"], "imports is missing; expected a list of modules"),
        (["~test.examples"], "test.examples is missing; expected a whole number"),
        (["task=[]"], "task.name is missing; expected a name"),
        (["model={name:{}}"], "model.name is {}; expected a name"),
        (["data.source=1e400"], "node `data.source` is not a container"),
        (["test=-inf"], "test is -inf; expected a mapping of settings"),
        (["+test.convention={}"], "convention is {}; expected unclipped or clipped"),
        (["+psf=digit"], "psf has no effect on this physics: choose physics=blur, or leave it out"),
        ([*BLUR, "psf=[nan,nan]"], "these settings cannot be composed: "),
        (
            [*BLUR, "psf=box", "psf.size=100000"],
            "psf.size is 100000; expected a whole number, from 1",
        ),
        (
            [*BLUR, "psf=gaussian", "psf.sigma=1e6"],
            "psf.sigma is 1000000.0; expected a positive number",
        ),
        (
            [*BLUR, "psf=disk", "psf.radius=1e6"],
            "psf.radius is 1000000.0; expected a positive number",
        ),
        ([*BLUR, "model=wiener", "optimizer.lr=abc"], "optimizer.lr is 'abc'; expected a positive number"),
        (["optimizer.name=inf"], "optimizer.name is inf; expected a name"),
        (["schedule.final={a:1}"], "schedule.final is {'a': 1}; expected"),
        (["data.workers=100000"], "data.workers is 100000; expected a whole number, from 0 to 256"),
        (["trainer.channels_last=[nan,nan]"], "trainer.channels_last is [nan, nan]; expected true or false"),
        (["data.std=nan"], "data.std is nan; expected a positive number"),
        (
            ["decide_max_seeds=[nan,nan]"],
            "decide_max_seeds is [nan, nan]; expected a whole number",
        ),
        (["data.mean=1" + "0" * 400], "data.mean is 1000"),
        (["schedule.final=100000000000000000000"], "schedule.final is 100000000000000000000; expected"),
        (["hydra.verbose=[0.1,0.2]"], "these settings cannot be composed: A logger name must be a string"),
        (["hydra.verbose=null"], "these settings cannot be composed: "),
        (["hydra.job.chdir=true"], "hydra.job.chdir is true; expected false"),
        (["-m", "seed=0,1", "hydra.job.chdir=true"], "hydra.job.chdir is true; expected false"),
        (["name=" + "a" * 300], "File name too long"),
        pytest.param(["model.channels=2147483647"], " GB of memory that are free", marks=LINUX),
    ],
)
def test_one_line_before_any_training(words, message, command, tmp_path):
    status, printed, complained = command("train.py", *words, *TINY)
    assert (status, complained.count("\n")) == (2, 1)
    assert message in complained
    assert "step" not in printed
    assert not list(tmp_path.rglob("last.ckpt"))


def test_the_limit_of_memory_is_lifted_afterwards(command):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    assert command("train.py", *TINY, "model.channels=2147483647")[0] == 2
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_long_value_in_a_sweep_gives_a_name_that_fits(command, tiny, photographs, tmp_path):
    long = [tmp_path / ("a" * 200) / name for name in ("b", "c")]
    for path in long:
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(photographs / "train")
    places = f"data.source.train={long[0]},{long[1]}"
    status, printed, _ = command("train.py", "-m", *tiny, places, "launcher=basic")
    assert status == 0
    assert "PSNR in dB" in printed
    (sweep,) = tmp_path.glob("multirun/*/*")
    names = [path.name for path in sweep.iterdir() if path.is_dir()]
    assert len(names) == 2
    assert all(len(os.fsencode(name)) < 255 for name in names)
