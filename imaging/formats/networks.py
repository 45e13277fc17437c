"""Networks by name: the weights that ship with the project, checkpoints, run directories."""

import hashlib
from pathlib import Path

from imaging.errors import ImagingError
from imaging.files import check_regular, write_text
from imaging.formats.loading import load_task
from imaging.formats.weights import SUFFIX, read_weights
from imaging.machine import memory_limited
from imaging.places import WEIGHTS
from imaging.runs.checkpoints import find_checkpoint, read_checkpoint
from imaging.settings import closest
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.trainer import device_of, prepare_network

SUMS = "SHA256SUMS"


def load_network(
    name: str | Path, device: str = "auto", psf: dict | None = None, boundary: str | None = None
) -> tuple[Reconstruction, dict]:
    """Load a trained network.

    Args:
        name: a network that ships with the project, such as `denoiser-best-64`; or the path of a checkpoint,
            a safetensors file or a run directory.
        device: auto, cpu, cuda, …
        psf: replaces the psf of the training; a config for `imaging.physics.make_psf`.
        boundary: replaces the boundary of the blur; see `imaging.physics.Blur`.

    Returns:
        The task, on its device, and the run's config.

    Raises:
        ImagingError: an unknown name, an unreadable or modified file, a device that is not available, or a
            psf or boundary for a network that does not take one.
    """
    target = device_of(device)
    path = find_network(name)
    check_regular(path)
    checkpoint = read_weights(path) if path.suffix == SUFFIX else read_checkpoint(path)
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("config", {}), dict):
        raise ImagingError(f"{path} is not a checkpoint of this project: it has no config in it")
    blur = {key: value for key, value in (("psf", psf), ("boundary", boundary)) if value is not None}
    if blur:
        checkpoint = {**checkpoint, "config": with_blur(checkpoint["config"], blur)}
    try:
        with memory_limited(f"the network of {path}"):
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


def with_blur(config: dict, blur: dict) -> dict:
    """Replace the blur in the config of a deconvolver; returns a new config.

    Args:
        config: of a run.
        blur: the settings to replace, `psf` or `boundary` or both.

    Raises:
        ImagingError: the network does not take the settings.
    """
    model, operator = config["model"], config["physics"]["operator"]
    # Where a network has its blur: a part of its config, which is the whole for those that are only a filter.
    key = next((key for key in ("wiener", "operator") if "psf" in model.get(key, {})), None)
    part = model[key] if key else model
    if "psf" not in part:
        raise ImagingError(
            f"{' and '.join(blur)} is for a network that takes the blur, such as deconvolver; this one, "
            f"{model['name']}, restores only what it was trained on"
        )
    if key != "operator" and "boundary" not in part:  # a filter for a circular blur alone
        if blur.get("boundary", "circular") != "circular":
            raise ImagingError(
                f"boundary={blur['boundary']} is for a network that takes it, such as deconvolver; this one, "
                f"{model['name']}, is for a circular blur"
            )
        part = part | {"psf": blur.get("psf", part["psf"])}
    else:
        part = part | blur
    model = model | {key: part} if key else part
    return config | {"model": model, "physics": config["physics"] | {"operator": operator | blur}}


def write_sums() -> None:
    """Write the SHA-256 checksums of all weights that ship, in the format of `sha256sum`."""
    lines = [f"{_sum(WEIGHTS / f'{name}{SUFFIX}')}  {name}{SUFFIX}\n" for name in shipped()]
    write_text(WEIGHTS / SUMS, "".join(lines))


def _verify(path: Path) -> None:
    try:
        lines = (WEIGHTS / SUMS).read_text(errors="replace").splitlines()
    except OSError as error:
        raise ImagingError(f"cannot read {WEIGHTS / SUMS}: {error.strerror}; restore it") from None
    sums = {words[1]: words[0] for line in lines if len(words := line.split()) == 2}
    if path.name not in sums:
        raise ImagingError(f"{path} is not in {WEIGHTS / SUMS}: it does not belong to this project")
    if _sum(path) != sums[path.name]:
        raise ImagingError(f"{path} has been changed or is incomplete: its SHA-256 differs from {SUMS}")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
