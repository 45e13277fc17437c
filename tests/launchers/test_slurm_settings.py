"""Settings of launcher=slurm and launcher=slurm_script that are refused; the jobs are in tests/slurm."""

import pytest


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("timeout_min=abc", "timeout_min is 'abc'; expected a whole number, at least 1"),
        ("timeout_min=0", "timeout_min is 0; expected"),
        ("max_requeues=-1", "max_requeues is -1; expected"),
        ("signal_delay_s=999999", "expected less than the time limit"),
        ("gpus_per_node=x", "gpus_per_node is 'x'; expected"),
        ("array_parallelism=0", "array_parallelism is 0; expected"),
        ("mem_gb=lots", "mem_gb is 'lots'; expected"),
        ("setup=5", "setup is 5; expected a list"),
        ("setup=[1,2]", "setup is [1, 2]; expected a list"),
        ("additional_parameters=3", "additional_parameters is 3; expected a mapping"),
    ],
)
def test_slurm_settings_that_cannot_be(setting, words, command_line, tiny, tmp_path):
    arguments = ["launcher=slurm_script", f"hydra.launcher.{setting}", "seed=0,1"]
    status, _, complained = command_line(*tiny, *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert words in complained
    assert not list(tmp_path.glob("multirun/*/*/submit.sh"))


def test_a_setting_that_slurms_launcher_does_not_have(command_line, tiny):
    status, _, complained = command_line(
        *tiny, "launcher=slurm_script", "+hydra.launcher.partiton=gpu", "seed=0,1"
    )
    assert (status, complained.count("\n")) == (2, 1)
    assert (
        "hydra.launcher.partiton is no setting of Slurm's launcher; expected one of account, " in complained
    )


def test_without_slurm_its_launcher_is_refused_in_one_line(command_line, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    status, _, complained = command_line(*tiny, "launcher=slurm", "seed=0,1")
    assert (status, complained.count("\n")) == (2, 1)
    assert "launcher=slurm needs Slurm, but there is no command sbatch here" in complained
    assert not list(tmp_path.glob("multirun/*/*/*/status.json"))
