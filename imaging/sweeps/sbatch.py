"""Write the sbatch script of a job array."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.settings import Limit, at_least, check, list_of

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


@dataclass(frozen=True)
class ArrayTask:
    """A command, and the file to which its output is appended."""

    command: tuple[str, ...]
    log: Path


def check_settings(settings: dict) -> None:
    """Raise an ImagingError for an invalid setting of a Slurm launcher."""
    least = {"timeout_min": 1, "signal_delay_s": 0, "nodes": 1, "tasks_per_node": 1, "array_parallelism": 1}
    least |= {"max_requeues": 0, "jobs_per_gpu": 1}
    optional = {"gpus_per_node": 0, "cpus_per_task": 1, "mem_gb": 1}
    known = {*OPTIONS, *least, *optional, "setup", "additional_parameters"}
    for key in settings:
        if key not in known:
            raise ImagingError(
                f"hydra.launcher.{key} is no setting of Slurm's launcher; expected one of "
                f"{', '.join(sorted(known))}, or an option of sbatch in additional_parameters"
            )
    for key, smallest in (least | optional).items():
        value = settings.get(key)
        if value is None and key in optional:
            continue
        check(f"hydra.launcher.{key}", value, Annotated[int, at_least(smallest)])
    if settings["signal_delay_s"] >= 60 * settings["timeout_min"]:
        raise ImagingError(
            f"hydra.launcher.signal_delay_s is {settings['signal_delay_s']}; expected less than the time "
            f"limit of {settings['timeout_min']} minutes, or the warning would come before the start"
        )
    check("hydra.launcher.setup", settings["setup"], Lines)
    check("hydra.launcher.additional_parameters", settings["additional_parameters"], Options)


def check_workers(settings: dict) -> None:
    """Raise an ImagingError if the settings of a Slurm launcher are not for the workers of a search."""
    if settings["tasks_per_node"] * settings["nodes"] != 1:
        raise ImagingError(
            "a trial of sweep=search has one device: set hydra.launcher.tasks_per_node=1 and "
            "hydra.launcher.nodes=1; hydra.launcher.gpus_per_node may be more, for trials side by side"
        )


def write_script(sweep: Path, tasks: dict[int, ArrayTask], settings: dict) -> Path:
    """Write `submit.sh` and return its path.

    Args:
        sweep: directory of the sweep, in which the script is written.
        tasks: tasks by their index in the array.
        settings: see `conf/launcher/slurm.yaml`.
    """
    options = {OPTIONS[k]: v for k, v in settings.items() if k in OPTIONS and v is not None}
    if settings["mem_gb"] is not None:
        options["mem"] = f"{settings['mem_gb']}G"
    options |= {
        "array": f"{','.join(map(str, tasks))}%{settings['array_parallelism']}",
        "signal": f"USR1@{settings['signal_delay_s']}",
        "output": "/dev/null",  # each task has its own log
        **settings["additional_parameters"],
    }
    cases = []
    for index, task in tasks.items():
        cases += [f"  {index})", f"    log={shlex.quote(str(task.log))}"]
        cases += [f"    command=({shlex.join(task.command)}) ;;"]
    lines = [
        "#!/usr/bin/env bash",
        *(f"#SBATCH --{name}={value}" for name, value in options.items()),
        "#SBATCH --requeue",
        "#SBATCH --open-mode=append",
        "",
        "case $SLURM_ARRAY_TASK_ID in",
        *cases,
        "esac",
        'exec >>"$log" 2>&1',
        f"cd {shlex.quote(str(Path.cwd()))} || exit 1",
        *settings["setup"],
        'srun --output="$log" --error="$log" --open-mode=append "${command[@]}"',
        "status=$?",
        f"# {TRY_AGAIN}: the run saved after a warning; 138, 140: USR1 or USR2 came before it started.",
        f'if [ "$status" = {TRY_AGAIN} ] || [ "$status" = 138 ] || [ "$status" = 140 ]; then',
        f'  if [ "${{SLURM_RESTART_COUNT:-0}}" -lt {settings["max_requeues"]} ]; then',
        '    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"',
        "  fi",
        "fi",
        'exit "$status"',
    ]
    path = sweep / "submit.sh"
    write_text(path, "\n".join(lines) + "\n")
    return path
