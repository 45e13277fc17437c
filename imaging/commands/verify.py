"""imaging verify: compare a run with its ledger, and train and test parts of it again."""

import argparse
import re
import secrets
import sys
from pathlib import Path

from imaging.errors import ImagingError

EXAMPLES = """examples:
  imaging verify outputs/2026-11-30/12-00-00.000000-denoiser
  imaging verify <run> --segments 3 --images 10 --seed 7
  imaging verify <run> --steps 1000-1500
  imaging verify <run> --segments all --images all

exit status: 0 all is as the ledger says; 1 something differs; 2 the run cannot be verified
"""


def number_or_all(text: str) -> int | None:
    """A whole number, at least 0; None for 'all'."""
    if text == "all":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number or 'all'")
    return int(text)


def two_steps(text: str) -> tuple[int, int]:
    """The two steps in 'A-B'."""
    if not (match := re.fullmatch(r"([0-9]{1,15})-([0-9]{1,15})", text)):
        raise argparse.ArgumentTypeError(f"'{text}' is not two steps, e.g. 1000-1500")
    first, last = int(match[1]), int(match[2])
    if first >= last:
        raise argparse.ArgumentTypeError(f"'{text}' ends before it begins; expected e.g. 1000-1500")
    return first, last


def ratio(text: str) -> float:
    """A number in (0, 1)."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def place(text: str) -> tuple[str, str]:
    """A key and a path, from 'key=path'."""
    key, equals, path = text.partition("=")
    if not (key and equals and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form data.source.test=photos")
    return key, path


def add_parser(commands) -> argparse.ArgumentParser:
    """Add the parser of `verify`."""
    parser = commands.add_parser(
        "verify",
        help="verify a run that was trained with callbacks=ledger: train and test parts of it again",
        description="Compare the checkpoints and results of a run with its ledger.csv, train random or "
        "stated segments again, and test random images again. Nothing is written into the run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("directory", type=Path, metavar="RUN", help="the run's directory")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--segments",
        type=number_or_all,
        default=1,
        metavar="N",
        help="train so many random segments between two checkpoints again, or 'all' (default: 1)",
    )
    which.add_argument("--steps", type=two_steps, metavar="A-B", help="train these steps again instead")
    parser.add_argument(
        "--images",
        type=number_or_all,
        default=2,
        metavar="N",
        help="test so many random images again, or 'all' (default: 2)",
    )
    parser.add_argument("--seed", type=int, help="of what is random (default: a new one, which is printed)")
    parser.add_argument(
        "--tolerance",
        type=ratio,
        help="where bits may differ: the largest distance of the weights from the ledger's, in parts of the "
        "way that they have come, and of the losses (default: 0.1)",
    )
    parser.add_argument(
        "--place",
        type=place,
        action="append",
        default=[],
        metavar="KEY=PATH",
        help="where the images are here, e.g. data.source.test=photos; may be repeated",
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Print each check; exit with 1 if something differs."""
    # Here, so that --help does not wait for torch.
    from imaging.commands.process.threads import limit_threads
    from imaging.verification.run import TOLERANCE, Request, verify_run

    limit_threads()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    request = Request(
        options.segments,
        options.steps,
        options.images,
        seed,
        options.tolerance or TOLERANCE,
        options.device,
        dict(options.place),
    )
    print(f"{options.directory}, seed {seed}", flush=True)
    wrong = 0
    try:
        for check in verify_run(options.directory, request):
            wrong += check.right is False
            print(check, flush=True)
    except ImagingError as error:
        if not wrong:
            raise
        print(f"         not verified further: {error}", flush=True)
    done = {"trained": request.steps is not None or request.segments != 0, "tested": request.images != 0}
    nothing = " or ".join(what for what, done in done.items() if not done)
    left = f", but nothing was {nothing} again" if nothing else ""
    differ = f"{wrong} of the checks {'differs' if wrong == 1 else 'differ'}"
    print(differ if wrong else f"verified{left}", flush=True)
    if wrong:
        sys.exit(1)
