"""Which runs a directory holds, and what their tests have left."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from imaging.errors import ImagingError
from imaging.evaluation.outputs import Result, read_result
from imaging.runs.config import CONFIG, check_config, read_config


def find_runs(directory: Path | str) -> list[Path]:
    """The run directories that `directory` is or holds, jobs of a sweep in the order of their numbers.

    Of a directory of weights, its safetensors files.

    Raises:
        ImagingError: there is none.
    """
    directory = Path(directory)
    if (directory / "config.yaml").is_file():
        return [directory]
    # A run whose config is lost is one still, and named.
    runs = {path.parent for name in ("config.yaml", "status.json") for path in directory.glob(f"*/{name}")}
    if not runs and (weights := sorted(directory.glob("*.safetensors"))):
        return weights
    if not runs:
        raise ImagingError(
            f"{directory} is neither a run directory nor a sweep of such: no config.yaml in it"
        )

    def number(run: Path) -> tuple:
        first = run.name.split("-")[0]
        return (not first.isdecimal(), int(first) if first.isdecimal() else 0, run.name)

    return sorted(runs, key=number)


def readable(runs: Iterable[Path]) -> tuple[dict[str, dict], list[str]]:
    """The configs of those runs that have one on which the rest can rely.

    Args:
        runs: directories.

    Returns:
        the configs by the names of the runs, and a line 'name: reason' for each other run.
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
    """What the tests of the completed runs have left, and a line for each file that cannot be used.

    Args:
        runs: directories.
        configs: resolved ones, by the names of the directories; a run without is passed over.
        statuses: their `status.json`, by the same names.
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
