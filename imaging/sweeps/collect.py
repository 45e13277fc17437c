"""Find the runs in a directory, and read their configs and test results."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from imaging.errors import ImagingError
from imaging.evaluation.outputs import Result, read_result
from imaging.runs.config import CONFIG, check_config, read_config


def find_runs(directory: Path | str) -> list[Path]:
    """Find the runs in a directory.

    Returns:
        `directory` itself if it is a run; the jobs of a sweep, by number; or else the safetensors files.

    Raises:
        ImagingError: there are none.
    """
    directory = Path(directory)
    if (directory / "config.yaml").is_file():
        return [directory]
    # Includes a run that has lost its config, so that the report names it.
    runs = {path.parent for name in ("config.yaml", "status.json") for path in directory.glob(f"*/{name}")}
    if not runs and (weights := sorted(directory.glob("*.safetensors"))):
        return weights
    if not runs:
        raise ImagingError(f"{directory} is neither a run directory nor a sweep: no config.yaml in it")

    def number(run: Path) -> tuple:
        first = run.name.split("-")[0]
        return (not first.isdecimal(), int(first) if first.isdecimal() else 0, run.name)

    return sorted(runs, key=number)


def readable(runs: Iterable[Path]) -> tuple[dict[str, dict], list[str]]:
    """Read the configs of runs.

    Args:
        runs: run directories.

    Returns:
        valid configs by the name of the run, and a line 'name: reason' for each other run.
    """
    configs, left_out = {}, []
    for run in runs:
        try:
            config = read_config(run)
            check_config(config, run / CONFIG)
            configs[run.name] = config
        except ImagingError as error:
            left_out.append(f"{run.name}: {error}")
    return configs, left_out


def collect(
    runs: Sequence[Path], configs: dict[str, dict], statuses: dict[str, dict]
) -> tuple[list[Result], list[str]]:
    """Read the test results of the completed runs.

    Args:
        runs: run directories.
        configs: resolved configs by the name of the run; a run without one is skipped.
        statuses: contents of `status.json` by the name of the run.

    Returns:
        the results, and a line 'name: reason' for each file that cannot be read.
    """
    results, left_out = [], []
    for run in runs:
        status = statuses[run.name]
        if run.name not in configs or status["state"] != "completed":
            continue
        try:
            result, damaged = read_result(run, configs[run.name], status.get("command"), status.get("tested"))
        except ImagingError as error:
            left_out.append(f"{run.name}: {error}")
            continue
        results.append(result)
        left_out += [f"{run.name}: {line}" for line in damaged]
    return results, left_out
