"""The entry points of `imaging`, `train.py` and `evaluate.py`."""

import argparse
import sys
from collections.abc import Sequence

from imaging.commands import export, lesson, noise, restore, verify
from imaging.commands.process.memory import keep_freed_memory
from imaging.commands.process.streams import outlive_readers
from imaging.places import SCRIPTS
from imaging.registry import import_own
from imaging.runs.interrupts import EXIT_STATUS, Interrupted, Interrupts


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line."""

    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def train() -> None:
    """Run `train.py`, or `imaging train`."""
    from imaging.commands.frame import command, lazy  # here, because Hydra is slow to import

    sweep = "imaging.commands.sweep"
    body = lazy("imaging.commands.train", "train")
    command("train", body, lazy(sweep, "after_sweep"), lazy(sweep, "undecided"))


def evaluate() -> None:
    """Run `evaluate.py`, or `imaging evaluate`."""
    from imaging.commands.frame import command, lazy

    command("evaluate", lazy("imaging.commands.evaluate", "evaluate"))


HYDRA = {  # commands with Hydra's arguments, key=value
    "train": (
        train,
        "train a network or a sweep of networks: imaging train [experiment=…] [sweep=…] [key=value …]",
    ),
    "evaluate": (
        evaluate,
        "test trained networks on a data set: imaging evaluate run=… [data=…] [sigmas=[…]]",
    ),
}


def build_parser() -> Parser:
    """Build the parser of all commands; each sets `run`, a function of the parsed options."""
    parser = Parser(
        prog="imaging",
        description="Train and compare image-reconstruction networks, and restore photographs with them.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="<command>")
    for name, (_, what) in HYDRA.items():
        commands.add_parser(name, help=what, add_help=False)
    for module in (restore, noise, export, verify):
        verb = module.add_parser(commands)
        verb.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
        if module is noise:  # it has no networks
            verb.set_defaults(imports=[])
            continue
        more = "import a module with a network of your own first; may be repeated"
        verb.add_argument(
            "--import", dest="imports", action="append", default=[], metavar="MODULE", help=more
        )
    lesson.add_parser(commands).set_defaults(imports=[])  # it has no networks
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Run a command and exit.

    Exit status: 0 completed; 1 a bug, with its traceback, or `imaging verify` or `imaging lesson check`
    found something wrong; 2 an error that the user can fix, in one line; 130 interrupted.

    Args:
        words: the command line without the program's name; None: `sys.argv`.
    """
    words = list(sys.argv[1:] if words is None else words)
    if words[:1] and words[0] in HYDRA:
        # As a script, because jobs and the other processes of a training start with the same command line.
        sys.argv = [str(SCRIPTS / f"{words[0]}.py"), *words[1:]]
        sys.modules["__main__"].__spec__ = None
        return HYDRA[words[0]][0]()
    parser = build_parser()
    options = parser.parse_args(words)
    outlive_readers()
    keep_freed_memory()
    try:
        with Interrupts():
            import_own(options.imports)
            options.run(options)
    except Interrupted as error:
        parser.exit(EXIT_STATUS, f"imaging {options.command}: {error}\n")
    except Exception as error:
        from imaging.commands.process.complaints import complaint  # here, because Hydra is slow to import

        message = complaint(error)
        if message is None:
            raise
        parser.exit(2, f"imaging {options.command}: {message}\n")
