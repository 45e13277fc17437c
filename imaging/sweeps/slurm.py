"""Submit a job array to Slurm and wait for it."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from imaging.errors import ImagingError, one_line
from imaging.files import write_text
from imaging.runs.interrupts import Interrupted

ARRAY = "slurm_array.txt"  # in a sweep's directory: the number of its last job array
PAUSE = 5.0  # seconds between two questions to Slurm, which serves a whole cluster
# Other states may still become another; a job that was requeued is PENDING again.
ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
    *("REVOKED", "TIMEOUT"),
}


def refuse_without_slurm() -> None:
    """Raise an ImagingError if the commands of Slurm are not installed."""
    for program in ("sbatch", "squeue"):
        if shutil.which(program) is None:
            raise ImagingError(
                f"launcher=slurm needs Slurm, but there is no command {program} here: start the sweep on a "
                "login node, or use launcher=queue"
            )


def submit(script: Path) -> str:
    """Submit a script, store the number of its job array in the sweep's directory, and return the number.

    Args:
        script: `submit.sh` in the directory of the sweep.

    Raises:
        ImagingError: Slurm refuses the script.
    """
    submitted = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True)
    if submitted.returncode != 0:
        raise ImagingError(f"sbatch refuses {script}: {one_line(submitted.stderr) or 'it gives no reason'}")
    array = submitted.stdout.split(";")[0].strip()
    write_text(script.with_name(ARRAY), f"{array}\n")
    return array


def earlier_array(sweep: Path) -> str | None:
    """The number of the sweep's last job array if Slurm has not ended all its tasks, else None."""
    try:
        array = (sweep / ARRAY).read_text().strip()
    except OSError:
        return None
    if not array.isdigit():
        return None
    return array if any(state not in ENDED for state in task_states(array).values()) else None


def wait(
    array: str, indices: Iterable[int], ended: Callable[[int, str], None] = lambda index, state: None
) -> None:
    """Wait until tasks of a job array have ended.

    Args:
        array: its number.
        indices: the indices of the tasks.
        ended: called when a task has ended, with its index and Slurm's last word about it.

    Raises:
        Interrupted: the process received a signal; the tasks continue.
    """
    waiting, last = set(indices), dict.fromkeys(indices, "nothing")
    try:
        while True:
            states = task_states(array)
            last |= states
            for index in sorted(waiting):
                if states.get(index, "COMPLETED") in ENDED:  # Slurm forgets ended tasks after some minutes
                    waiting.remove(index)
                    ended(index, last[index])
            if not waiting:
                return
            time.sleep(PAUSE)
    except (KeyboardInterrupt, Interrupted) as error:
        reason = str(error).split(":")[0] or "SIGINT"
        raise Interrupted(
            f"{reason}: the jobs continue in Slurm, unless you cancel them: scancel {array}"
        ) from None


def task_states(array: str) -> dict[int, str]:
    """Slurm's states of the tasks of a job array, by index; of an array that it has forgotten, none.

    While Slurm does not answer, as in a restart of its controller, ask again.
    """
    question = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={array}", "--format=%K %T"]
    while True:
        answer = subprocess.run(question, capture_output=True, text=True)
        if answer.returncode == 0:
            return {int(index): state for index, state in re.findall(r"(\d+) (\w+)", answer.stdout)}
        if "Invalid job id" in answer.stderr:
            return {}
        time.sleep(PAUSE)
