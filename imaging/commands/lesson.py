"""imaging lesson: problem sets whose check explains errors."""

import argparse
import sys
from pathlib import Path

EXAMPLES = """examples:
  imaging lesson start backprop homework
  imaging lesson check homework
"""
NAMES = ("backprop", "ablation", "deconvolution")


def add_parser(commands) -> argparse.ArgumentParser:
    """Add the parser of `lesson`."""
    parser = commands.add_parser(
        "lesson",
        help="write a problem set, and check what a student has filled in",
        description="Write a problem set with functions to fill in, and check them: what is wrong, and why.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(title="verbs", dest="verb", required=True, metavar="<verb>")
    beginning = verbs.add_parser("start", help="write the task and the functions to fill in")
    beginning.add_argument("lesson", choices=NAMES, help=", ".join(NAMES))
    beginning.add_argument("directory", type=Path, help="a new or an empty directory")
    beginning.set_defaults(run=start)
    checking = verbs.add_parser(
        "check", help="say which functions are right, and what is wrong in the others"
    )
    checking.add_argument("directory", type=Path, help="a directory that start has written")
    checking.set_defaults(run=check)
    return parser


def start(options: argparse.Namespace) -> None:
    """Write the directory of a lesson."""
    from imaging.lessons.lessons import LESSONS, start  # here, so that --help does not wait for torch

    lesson = LESSONS[options.lesson]
    start(lesson, options.directory)
    print(f"the task is in {options.directory / 'README.md'}")
    print(f"fill in {options.directory / lesson.file}, then: imaging lesson check {options.directory}")


def check(options: argparse.Namespace) -> None:
    """Print a line for each function, with the first input on which it differs; exit with 1 if one does."""
    from imaging.lessons.check import check  # here, so that --help does not wait for torch

    verdicts = check(options.directory)
    for verdict in verdicts:
        print(f"{verdict.name}: {verdict.words}")
        for line in verdict.details:
            print(f"    {line}")
    right = sum(verdict.right for verdict in verdicts)
    print(f"{right} of {len(verdicts)} right")
    if right < len(verdicts):
        sys.exit(1)
