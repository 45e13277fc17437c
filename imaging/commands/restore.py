"""imaging restore: photographs through a trained network."""

import argparse
from pathlib import Path

from imaging.errors import ImagingError

EXAMPLES = """examples:
  imaging restore photo.jpg restored.png --network denoiser-best-64
  imaging restore blurred/ sharp/ --network deconvolver-wiener-pair --psf gaussian:1.5
  imaging restore torn.png mended.png --network outputs/2026-11-28/10-15-02-inpainting --mask lost.png
"""


def add_parser(commands) -> None:
    """Add `restore` to the parsers of the commands."""
    parser = commands.add_parser(
        "restore",
        help="restore a photograph or a directory of photographs",
        description="Restore a photograph, or each photograph in a directory, with a trained network. "
        "Nothing is added to the images.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("image", type=Path, help="a photograph, or a directory of photographs")
    parser.add_argument("output", type=Path, help="the restored file, or the directory of the restored files")
    parser.add_argument(
        "--network",
        required=True,
        help="a network that ships with the project, a run directory, a checkpoint or a safetensors file",
    )
    parser.add_argument(
        "--sigma",
        type=float,
        help="standard deviation of the noise, for intensities in [0, 1] (default: estimated)",
    )
    parser.add_argument(
        "--psf",
        help="the blur: gaussian:<sigma>, motion:<length>:<angle>, digit, or an image file "
        "(default: the blur that the network was trained on)",
    )
    parser.add_argument("--mask", type=Path, help="an image file that is 0 where pixels are lost")
    parser.add_argument(
        "--self-ensemble",
        action="store_true",
        help="average over flips and quarter turns; takes eight times as long",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module with a network of your own first; may be repeated",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Restore what the options name, and print a line for each file."""
    from imaging.restoring.directories import restore  # here, so that --help does not wait for torch

    psf = None if options.psf is None else parse_psf(options.psf)
    restore(
        options.image,
        options.output,
        options.network,
        sigma=options.sigma,
        psf=psf,
        mask=options.mask,
        self_ensemble=options.self_ensemble,
        device=options.device,
    )


def parse_psf(text: str) -> dict:
    """The config of a psf, for `imaging.physics.make_psf`.

    Args:
        text: a name of `imaging.physics.psf` and its settings in their order, separated by colons, as in
            'motion:9:30', where a setting that is left out is that of `conf/psf`; or the path of an image
            file.

    Raises:
        ImagingError: neither; a setting that is out of range.

    Example:
        >>> parse_psf("gaussian:1.5")
        {'name': 'gaussian', 'sigma': 1.5, 'size': None}
    """
    from omegaconf import OmegaConf

    from imaging.physics.psf import PSFS, make_psf
    from imaging.places import CONF
    from imaging.runs.config import as_dict

    name, *values = text.split(":")
    names = [known for known in PSFS.names() if known != "image"]
    if name not in names:
        if Path(text).is_file():
            return {"name": "image", "path": text}
        raise ImagingError(f"--psf is {text!r}; expected an image file, or one of {', '.join(names)}")
    settings = list(PSFS.parameters(name))
    if len(values) > len(settings):
        expected = ":".join([name, *(f"<{setting}>" for setting in settings)])
        raise ImagingError(f"--psf is {text!r}; expected {expected}")
    try:
        numbers = [int(value) if value.isdecimal() else float(value) for value in values]
    except ValueError:
        raise ImagingError(f"--psf is {text!r}; expected numbers after {name}:") from None
    defaults = as_dict(OmegaConf.load(CONF / "psf" / f"{name}.yaml"))
    config = defaults | dict(zip(settings, numbers, strict=False))
    make_psf(config)  # refuses what is out of range
    return config
