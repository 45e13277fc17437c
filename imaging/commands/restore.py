"""imaging restore: restore photographs with a trained network."""

import argparse
from pathlib import Path

from imaging.errors import ImagingError

EXAMPLES = """examples:
  imaging restore photo.jpg restored.png --network denoiser-best-64
  imaging restore blurred/ sharp/ --network deconvolver --psf gaussian:1.5
  imaging restore torn.png mended.png --network outputs/2026-11-28/10-15-02-inpainting --mask lost.png
"""


def add_parser(commands) -> argparse.ArgumentParser:
    """Add the parser of `restore`."""
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
        help="the blur: gaussian:<sigma>, motion:<length>:<angle>, disk:<radius>, box:<size>, "
        "trajectory:<index>, digit, or an image, .npy or .mat file (default: that of the network's training)",
    )
    parser.add_argument(
        "--boundary",
        choices=["unknown", "circular"],
        help="what lies beyond the borders of a blurred image: unknown, as of a photograph, or the opposite "
        "side, as of simulated images (default: unknown)",
    )
    parser.add_argument("--mask", type=Path, help="an image file that is 0 where pixels are lost")
    parser.add_argument(
        "--self-ensemble",
        action="store_true",
        help="average over flips and quarter turns; takes eight times as long",
    )
    parser.add_argument(
        "--error",
        type=Path,
        help="write a map of the expected error, a .png picture or .npy numbers (of a directory: their "
        "directory), and print the expected PSNR; for denoising",
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Restore the images of the options, and print a line for each file."""
    # Here, so that --help does not wait for torch.
    from imaging.commands.process.threads import limit_threads
    from imaging.restoring.directories import restore

    limit_threads()
    names = ("image", "output", "network", "sigma", "mask", "self_ensemble", "device", "boundary", "error")
    psf = None if options.psf is None else parse_psf(options.psf)
    restore(psf=psf, **{name: getattr(options, name) for name in names})


def parse_psf(text: str) -> dict:
    """Parse a psf from the command line to a config for `imaging.physics.make_psf`.

    Args:
        text: a name of `imaging.physics.psf` and its settings in order, separated by colons, as in
            'motion:9:30', with the defaults of `conf/psf`; or the path of an image file.

    Raises:
        ImagingError: an unknown name, which is not a file either, or a setting that is out of range.

    Examples:
        >>> parse_psf("gaussian:1.5")
        {'name': 'gaussian', 'sigma': 1.5, 'size': None}
    """
    from omegaconf import OmegaConf

    from imaging.physics.psf import PSFS, make_psf
    from imaging.places import CONF
    from imaging.runs.config import as_dict

    name, *values = text.split(":")
    names = [psf for psf in PSFS.names() if psf != "image"]
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
    make_psf(config)  # raises for a setting that is out of range
    return config
