"""Restore a photograph, or each photograph in a directory, and print a report."""

from pathlib import Path

from imaging.errors import ImagingError
from imaging.images.listing import image_files
from imaging.images.opening import SUFFIXES
from imaging.images.reading import count_pages
from imaging.models.self_ensemble import SelfEnsemble
from imaging.restoring.checks import check_sigma, check_target
from imaging.restoring.estimation import Border
from imaging.restoring.restorer import Restorer, load


def restore(
    image: Path,
    output: Path,
    network: str | Path,
    sigma: float | None = None,
    psf: dict | None = None,
    mask: Path | None = None,
    self_ensemble: bool = False,
    device: str = "auto",
    boundary: Border | None = None,
    error: Path | None = None,
) -> None:
    """Restore a file to a file, or a directory to a directory, and print a line for each image.

    Args:
        image: a photograph, or a directory of photographs.
        output: the restored file, or the directory of the restored files.
        network: a name or a path; see `imaging.restoring.restorer.load`.
        sigma: standard deviation of the noise, for intensities in [0, 1]; None: estimated.
        psf: the blur, a config for `imaging.physics.make_psf`; None: the blur of the network's training.
        mask: an image file that is 0 where pixels are lost.
        self_ensemble: whether to average over flips and quarter turns.
        device: auto, cpu, cuda, …
        boundary: "unknown" or "circular", for deconvolution; see `imaging.restoring.restorer.Restorer`.
        error: the file of the map of the expected error, or their directory; see
            `imaging.restoring.photographs.restore_file`.

    Raises:
        ImagingError: a wrong setting, before any image is restored; images that cannot be restored, after
            all others.
    """
    check_sigma(sigma)
    if not image.is_dir():
        check_target(output, image)
    if not image.exists():
        raise ImagingError(f"there is no image {image}")
    restorer = load(network, device, psf)
    if self_ensemble:
        operator = restorer.config["physics"]["operator"]["name"]
        restorer.task.network = SelfEnsemble.of(restorer.task.network, operator)
    if image.is_dir():
        _directory(restorer, image, output, error, sigma, mask, boundary)
    else:
        print(restorer.file(image, output, sigma, mask, boundary, error), flush=True)


def _directory(
    restorer: Restorer,
    source: Path,
    target: Path,
    errors: Path | None,
    sigma: float | None,
    mask: Path | None,
    boundary: Border | None,
) -> None:
    taken = [path.absolute() for path in (source, target)]
    if errors is not None and ((errors.exists() and not errors.is_dir()) or errors.absolute() in taken):
        raise ImagingError(
            f"the error maps are {errors}; for a directory of images expected another directory"
        )
    if target.exists() and (not target.is_dir() or target.samefile(source)):
        raise ImagingError(f"the output is {target}; for a directory of images expected another directory")
    places = [place.resolve() for place in (target, errors) if place is not None]
    inside = {place for place in places if source.resolve() in place.parents}  # what an earlier command wrote
    paths, unread = image_files(source)
    paths = [path for path in paths if inside.isdisjoint(path.resolve().parents)]
    if not paths:
        raise ImagingError(
            f"no image ({', '.join(SUFFIXES)}) in {source}" + "".join(f"; {line}" for line in unread)
        )
    failed = [f"{line}: not read" for line in unread]
    for path in paths:
        try:
            name = path.relative_to(source)
            of_errors = None
            if errors is not None:
                suffix = ".npy" if count_pages(path) > 1 else ".png"
                of_errors = errors / (name if name.suffix == suffix else f"{name}{suffix}")
            print(restorer.file(path, target / name, sigma, mask, boundary, of_errors), flush=True)
        except Exception as error:  # an image that fails must not stop the others
            reason = str(error) if isinstance(error, ImagingError) else f"{type(error).__name__}: {error}"
            failed.append(f"{path}: {reason}")
            print(f"{path}: not restored", flush=True)
    done = len(paths) + len(unread) - len(failed)
    print(f"{done} of {len(paths)} images restored into {target}", flush=True)
    if failed:
        what = f"{len(paths) - done} of {len(paths)} images not restored"
        raise ImagingError(f"{what}: {'; '.join(failed)}")
