"""imaging export: write a trained network to a file that runs without this project."""

import argparse
from pathlib import Path

from imaging.commands.restore import parse_psf


def add_parser(commands) -> argparse.ArgumentParser:
    """Add the parser of `export`."""
    parser = commands.add_parser(
        "export",
        help="write a network for torch.export.load, to run it without this project",
        description="Write a trained network as a file that torch.export.load reads without this project.",
        epilog="example: imaging export denoiser-best-64 network.pt2",
        allow_abbrev=False,
    )
    parser.add_argument(
        "network",
        help="a network that ships with the project, a run directory, a checkpoint or a safetensors file",
    )
    parser.add_argument("output", type=Path, help="the file; its name ends in .pt2")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of the images, in pixels, for a network whose graph depends on it",
    )
    parser.add_argument(
        "--psf", help="of the blur that the file inverts, for deconvolver; as for imaging restore"
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Export the network, and print a description of its input."""
    from imaging.formats.export import export_network  # here, so that --help does not wait for torch

    psf = None if options.psf is None else parse_psf(options.psf)
    print(export_network(options.network, options.output, options.size, options.device, psf))
