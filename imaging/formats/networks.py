"""Networks by name: the weights that ship with the project, checkpoints, run directories."""

import hashlib
from pathlib import Path

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.formats.loading import load_task
from imaging.formats.weights import SUFFIX, read_weights
from imaging.places import WEIGHTS
from imaging.runs.checkpoints import find_checkpoint, read_checkpoint
from imaging.settings import closest
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.trainer import device_of, prepare_network

SUMS = "SHA256SUMS"


def load_network(
    name: str | Path, device: str = "auto", psf: dict | None = None
) -> tuple[Reconstruction, dict]:
    """Load a trained network.

    Args:
        name: a network that ships with the project, such as `denoiser-best-64`; or the path of a checkpoint,
            a safetensors file or a run directory.
        device: auto, cpu, cuda, …
        psf: replaces the psf of the training; a config for `imaging.physics.make_psf`.

    Returns:
        The task, on its device, and the run's config.

    Raises:
        ImagingError: an unknown name, an unreadable or modified file, a device that is not available, or a
            psf for a network that does not take one.
    """
    target = device_of(device)
    path = find_network(name)
    checkpoint = read_weights(path) if path.suffix == SUFFIX else read_checkpoint(path)
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("config", {}), dict):
        raise ImagingError(f"{path} is not a checkpoint of this project: it has no config in it")
    if psf is not None:
        checkpoint = {**checkpoint, "config": with_psf(checkpoint["config"], psf)}
    try:
        task, config = load_task(checkpoint, path)
        prepare_network(task.network, config["trainer"]["channels_last"])
        config["data"]["source"]["channels"]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {str(error)[:80]}"
        raise ImagingError(
            f"{path} is not a checkpoint of this project, or is of another version: {reason}"
        ) from None
    return task.to(target), config


def shipped() -> list[str]:
    """The names of the networks that ship with the project, sorted."""
    return sorted(path.stem for path in WEIGHTS.glob(f"*{SUFFIX}"))


def find_network(name: str | Path) -> Path:
    """The file of a network; `name` is as in `load_network`.

    Raises:
        ImagingError: an unknown name, or a modified file of the weights that ship.
    """
    path = Path(name)
    if not path.exists():
        is_name = path.parent in (Path(), Path("weights")) or path.parent.resolve() == WEIGHTS.resolve()
        if is_name and path.name.removesuffix(SUFFIX) in shipped():
            path = WEIGHTS / (path.name.removesuffix(SUFFIX) + SUFFIX)
        elif is_name and not path.suffix and shipped():
            raise ImagingError(
                f"there is no run, checkpoint or network '{name}'{closest(path.name, shipped())}; "
                f"networks that ship: {', '.join(shipped())}"
            )
    path = find_checkpoint(path)
    if path.parent.resolve() == WEIGHTS.resolve():
        _verify(path)
    return path


def with_psf(config: dict, psf: dict) -> dict:
    """Replace the psf in the config of a deconvolver; returns a new config.

    Raises:
        ImagingError: the network does not take a psf.
    """
    model, physics = config["model"], config["physics"]
    if "psf" in model:
        model = model | {"psf": psf}
    elif "psf" in model.get("wiener", {}):
        model = model | {"wiener": model["wiener"] | {"psf": psf}}
    elif "prior" in model and "psf" in physics["operator"]:
        model = model | {"operator": model["operator"] | {"psf": psf}}
    else:
        raise ImagingError(
            f"psf is for a network that takes the blur, such as deconvolver; this one, {model['name']}, "
            "restores only what it was trained on"
        )
    return config | {"model": model, "physics": physics | {"operator": physics["operator"] | {"psf": psf}}}


def write_sums() -> None:
    """Write the SHA-256 checksums of all weights that ship, in the format of `sha256sum`."""
    lines = [f"{_sum(WEIGHTS / f'{name}{SUFFIX}')}  {name}{SUFFIX}\n" for name in shipped()]
    write_text(WEIGHTS / SUMS, "".join(lines))


def _verify(path: Path) -> None:
    sums = dict(line.split()[::-1] for line in (WEIGHTS / SUMS).read_text().splitlines())
    if path.name not in sums:
        raise ImagingError(f"{path} is not in {WEIGHTS / SUMS}: it does not belong to this project")
    if _sum(path) != sums[path.name]:
        raise ImagingError(f"{path} has been changed or is incomplete: its SHA-256 differs from {SUMS}")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
