"""Which config a run has: composed anew, or that of the run it goes on with."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.runs.run import differences, read_config, read_status


def open_config(config: DictConfig) -> tuple[dict, Path]:
    """The resolved config as plain data, and the run's directory.

    With `resume=<run directory>` both are that run's. Other settings on the command line may only repeat
    what the run was started with.

    Raises:
        ImagingError: no such run, a completed one, or a config that has changed meanwhile.
    """
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    hydra = HydraConfig.get()
    resume = plain.pop("resume")
    if resume is None:
        directory = Path(hydra.runtime.output_dir)
        if directory.is_relative_to(Path.cwd()):
            directory = directory.relative_to(Path.cwd())  # shorter to read and to type
        return plain, directory
    saved = read_config(resume)
    if [o for o in hydra.overrides.task if not o.startswith("resume=")]:
        changed = differences(saved, plain)
        if changed:
            raise ImagingError(
                f"the config is not that of {resume}: {'; '.join(changed)} (there -> here); leave the "
                "settings away to go on with the run as it was, or start a new run"
            )
    if read_status(resume)["state"] == "completed":
        raise ImagingError(f"{resume} is completed; to test it again: python evaluate.py run={resume}")
    return saved, Path(resume)
