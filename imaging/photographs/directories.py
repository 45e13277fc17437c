"""One photograph or a directory of them, as `evaluate.py image=… output=…` asks for it."""

from pathlib import Path

from imaging.data.image_files import SUFFIXES
from imaging.errors import ImagingError
from imaging.models.self_ensemble import SelfEnsemble
from imaging.photographs.load import load
from imaging.photographs.restorer import Restorer, check_sigma, refuse_target


def restore_as_asked(given: dict) -> None:
    """Restore `image` by `run` into `output`, both files or both directories, and tell of each.

    Args:
        given: `run`, `image`, `output`, `accelerator`, `self_ensemble`, `sigma` and `mask`
            or None, and `psf` if another one is asked for.

    Raises:
        ImagingError: a setting that is wrong, before anything is done; files that could not be restored,
            after all others are.
    """
    image, output = (None if given[key] is None else Path(str(given[key])) for key in ("image", "output"))
    if output is None:
        suffix = "" if image.is_dir() else image.suffix
        raise ImagingError(f"say where the restored image goes, e.g. output={image.stem}-restored{suffix}")
    sigma, mask = None if given["sigma"] == "estimated" else given["sigma"], given["mask"]
    check_sigma(sigma)
    if not image.is_dir():
        refuse_target(output, image)
    if not image.exists():
        raise ImagingError(f"there is no image {image}")
    restorer = load(str(given["run"]), given["accelerator"], given.get("psf"))
    if given["self_ensemble"]:
        operator = restorer.config["physics"]["operator"]["name"]
        restorer.task.network = SelfEnsemble.of(restorer.task.network, operator)
    if image.is_dir():
        _directory(restorer, image, output, sigma, mask)
    else:
        print(restorer.file(image, output, sigma, mask), flush=True)


def _directory(restorer: Restorer, source: Path, target: Path, sigma: float | None, mask) -> None:
    if target.exists() and (not target.is_dir() or target.samefile(source)):
        raise ImagingError(f"output is {target}; for a directory of images expected another directory")
    inside = target.resolve() if source.resolve() in target.resolve().parents else None
    paths = [
        path
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(source).parts)
        and inside not in path.resolve().parents
    ]
    if not paths:
        raise ImagingError(f"no image ({', '.join(SUFFIXES)}) in {source}")
    failed = []
    for path in paths:
        try:
            print(restorer.file(path, target / path.relative_to(source), sigma, mask), flush=True)
        except Exception as error:  # whatever it is, the others are not to wait for it
            reason = str(error) if isinstance(error, ImagingError) else f"{type(error).__name__}: {error}"
            failed.append(f"{path}: {reason}")
            print(f"{path}: not restored", flush=True)
    print(f"{len(paths) - len(failed)} of {len(paths)} images restored into {target}", flush=True)
    if failed:
        raise ImagingError(f"{len(failed)} of {len(paths)} images not restored: {'; '.join(failed)}")
