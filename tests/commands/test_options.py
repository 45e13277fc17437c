"""Hydra's options among the settings of a command, and what a refused command leaves."""

import pytest

from imaging.commands.frame import options_first


@pytest.mark.parametrize(
    ("words", "sorted_words"),
    [
        (["a=1", "-m"], ["-m", "a=1"]),
        (["a=1", "--config-dir", "conf", "b=2"], ["--config-dir", "conf", "a=1", "b=2"]),
        (["--config-dir=conf", "a=1"], ["--config-dir=conf", "a=1"]),
        (["a", "--config-dir", "a", "a"], ["--config-dir", "a", "a", "a"]),
        (["~a", "+b=-1", "c=--x", "-cd", "conf"], ["-cd", "conf", "~a", "+b=-1", "c=--x"]),
        ([], []),
    ],
)
def test_options_may_stand_anywhere(words, sorted_words):
    assert options_first(words) == sorted_words


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["seed=1", "--nope", "x"], "unrecognized arguments: --nope"),
        (["--config-dir"], "--config-dir"),
        (["--cfg", "nope"], "invalid choice: 'nope'"),
    ],
)
def test_a_wrong_option_is_one_line(command, script, words, message):
    status, printed, complained = command(script, *words)
    assert (status, printed) == (2, "")
    assert complained.startswith(f"{script}: ")
    assert complained.count("\n") == 1
    assert message in complained
    assert f"{script} --hydra-help" in complained


def test_an_option_behind_a_setting_counts(command):
    status, printed, complained = command("train.py", "model.depth=3", "--cfg", "job", "seed=7")
    assert (status, complained) == (0, "")
    assert "  depth: 3\n" in printed
    assert "seed: 7\n" in printed


@pytest.mark.parametrize("words", [["~model"], ["decide=0.1"], ["resume=nowhere"]])
def test_a_run_that_does_not_begin_leaves_no_directory(command, tmp_path, words):
    assert command("train.py", *words)[0] == 2
    assert not list(tmp_path.glob("outputs/*/*"))


def test_it_leaves_the_files_that_were_there(command, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.txt").write_text("mine")
    assert command("train.py", "~model", f"hydra.run.dir={tmp_path / 'there'}")[0] == 2
    assert (tmp_path / "there/mine.txt").read_text() == "mine"
