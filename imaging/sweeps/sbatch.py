"""Write the sbatch script of a job array, to be submitted by hand."""

import shlex
from pathlib import Path
from typing import Annotated

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.settings import Limit, at_least, check, list_of
from imaging.sweeps.jobs import Job
from imaging.sweeps.queue import LOG

TRY_AGAIN = 75  # exit status of a run that saved and ended at a cluster's warning

OPTIONS = {
    "name": "job-name",
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "timeout_min": "time",
    "nodes": "nodes",
    "tasks_per_node": "ntasks-per-node",
    "gpus_per_node": "gpus-per-node",
    "cpus_per_task": "cpus-per-task",
}

Lines = Annotated[list, list_of("a list of lines of shell", str)]
Options = Annotated[dict, Limit("a mapping of sbatch's options to values", lambda options: True)]


def check_settings(settings: dict) -> None:
    """Raise an ImagingError for an invalid setting of a Slurm launcher."""
    least = {"timeout_min": 1, "signal_delay_s": 0, "nodes": 1, "tasks_per_node": 1, "array_parallelism": 1}
    optional = {"gpus_per_node": 0, "cpus_per_task": 1, "mem_gb": 1, "max_num_timeout": 0}
    for key, smallest in (least | optional).items():
        value = settings.get(key)
        if value is None and (key in optional or key not in settings):
            continue
        check(f"hydra.launcher.{key}", value, Annotated[int, at_least(smallest)])
    if settings["signal_delay_s"] >= 60 * settings["timeout_min"]:
        raise ImagingError(
            f"hydra.launcher.signal_delay_s is {settings['signal_delay_s']}; expected less than the time "
            f"limit of {settings['timeout_min']} minutes, or the warning would come before the start"
        )
    check("hydra.launcher.setup", settings["setup"], Lines)
    check("hydra.launcher.additional_parameters", settings["additional_parameters"], Options)


def write_script(sweep: Path, jobs: dict[int, Job], settings: dict) -> Path:
    """Write `submit.sh` and return its path.

    Args:
        sweep: directory of the sweep, in which the script is written.
        jobs: jobs by number, which is also the index in the array.
        settings: see `conf/launcher/slurm_script.yaml`.
    """
    numbers = ",".join(map(str, jobs))
    options = {OPTIONS[k]: v for k, v in settings.items() if k in OPTIONS and v is not None}
    if settings["mem_gb"] is not None:
        options["mem"] = f"{settings['mem_gb']}G"
    options |= {
        "array": f"{numbers}%{settings['array_parallelism']}",
        "signal": f"USR1@{settings['signal_delay_s']}",
        "output": "/dev/null",  # each job has its own log
        **settings["additional_parameters"],
    }
    cases = []
    for number, job in jobs.items():
        log = shlex.quote(str(job.directory / LOG))
        cases += [f"  {number})", f"    log={log}", f"    command=({shlex.join(job.command)}) ;;"]
    lines = [
        "#!/usr/bin/env bash",
        *(f"#SBATCH --{name}={value}" for name, value in options.items()),
        "#SBATCH --requeue",
        "#SBATCH --open-mode=append",
        "",
        f"cd {shlex.quote(str(Path.cwd()))}",
        "case $SLURM_ARRAY_TASK_ID in",
        *cases,
        "esac",
        *settings["setup"],
        'srun --output="$log" --error="$log" --open-mode=append "${command[@]}"',
        "status=$?",
        f"# {TRY_AGAIN}: the run saved after the warning USR1; 138: the warning came before it started.",
        f'if [ "$status" = {TRY_AGAIN} ] || [ "$status" = 138 ]; then',
        '  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"',
        "fi",
        'exit "$status"',
    ]
    path = sweep / "submit.sh"
    write_text(path, "\n".join(lines) + "\n")
    return path
