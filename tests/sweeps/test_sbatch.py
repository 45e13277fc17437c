"""The script of a job array, run without Slurm by commands of its names."""

import os
import subprocess

import pytest

from imaging.sweeps.sbatch import ArrayTask, write_script

SETTINGS = {"mem_gb": None, "array_parallelism": 1, "signal_delay_s": 60, "additional_parameters": {}}


@pytest.mark.parametrize(
    ("status", "restarts", "requeued"),
    [
        (0, 0, False),
        (1, 0, False),
        (130, 0, False),  # by Ctrl-C
        (75, 0, True),  # saved after a warning
        (138, 0, True),  # USR1 before it started
        (140, 0, True),  # USR2 before it started
        (75, 2, False),  # so often already
    ],
)
def test_a_task_is_queued_again_after_a_warning(status, restarts, requeued, tmp_path):
    task = ArrayTask(("some", "command"), tmp_path / "log.txt")
    script = write_script(tmp_path, {7: task}, SETTINGS | {"setup": [], "max_requeues": 2})
    calls = tmp_path / "calls.txt"
    for name, code in (("srun", status), ("scontrol", 0)):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>"{calls}"\nexit {code}\n')
        program.chmod(0o755)
    variables = {"SLURM_ARRAY_JOB_ID": "40", "SLURM_ARRAY_TASK_ID": "7", "SLURM_RESTART_COUNT": str(restarts)}
    environment = os.environ | variables | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run(["bash", script], env=environment)
    assert ended.returncode == status
    lines = calls.read_text().splitlines()
    assert lines[0].startswith("srun ")
    assert lines[0].endswith(" some command")
    assert lines[1:] == ["scontrol requeue 40_7"] * requeued
