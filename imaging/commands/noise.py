"""imaging noise: estimate the noise of photographs."""

import argparse
import statistics
from pathlib import Path

from imaging.errors import ImagingError

CLIPPED = 0.05  # share of clipped pixels above which a note is printed
EXAMPLES = """examples:
  imaging noise photo.png
  imaging noise photos/
"""


def add_parser(commands) -> argparse.ArgumentParser:
    """Add the parser of `noise`."""
    parser = commands.add_parser(
        "noise",
        help="estimate the noise of photographs",
        description="Estimate the standard deviation of the white Gaussian noise of each photograph, for "
        "intensities in [0, 1], and print the median. Texture everywhere counts as noise.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("images", type=Path, nargs="+", help="photographs, or directories of photographs")
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Print the estimated sigma of each image, and the median of several."""
    # Here, so that --help does not wait for torch.
    from imaging.commands.process.threads import limit_threads
    from imaging.images.listing import all_image_files
    from imaging.images.reading import count_pages, read_pages
    from imaging.restoring.estimation import photograph_sigma
    from imaging.restoring.restorer import load
    from imaging.tasks.equations import as_float

    limit_threads()
    paths: list[Path] = []
    for path in options.images:
        if not path.exists():
            raise ImagingError(f"there is no image {path}")
        paths += all_image_files(path, "images") if path.is_dir() else [path]
    denoiser = load("denoiser-64", options.device)
    sigmas, failed = [], []
    for path in paths:
        try:
            several = count_pages(path) > 1
            for page, pixels in enumerate(read_pages(path), 1):
                sigma = photograph_sigma(denoiser, pixels)
                limits = (as_float(pixels) == 0) | (as_float(pixels) == 1)
                note = f"sigma {sigma:.4f}" if sigma else "no noise"
                if (share := limits.float().mean().item()) > CLIPPED:
                    note += f"; {share:.0%} of it is black or white, which lowers the estimate"
                where = f"{path}, page {page}" if several else path
                print(f"{where}: {note}", flush=True)
                sigmas += [sigma] if sigma else []
        except ImagingError as error:  # an image that cannot be read must not stop the others
            failed.append(str(error))
    if len(sigmas) > 1:
        print(f"median of {len(sigmas)} images: sigma {statistics.median(sigmas):.4f}")
    if failed:
        raise ImagingError(f"{len(failed)} of {len(paths)} images without an estimate: {'; '.join(failed)}")
