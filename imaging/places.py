"""Where the project lies: in a checkout, or installed as a package without one."""

import shlex
from pathlib import Path

_PACKAGE = Path(__file__).parent
# The directory that holds train.py and conf/; None where the package was installed from a wheel.
CHECKOUT = None if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent
CONF = (CHECKOUT or _PACKAGE) / "conf"
WEIGHTS = (CHECKOUT or _PACKAGE) / "weights"


def command_line(verb: str, *words: str) -> str:
    """A command of this project that can be pasted into a shell.

    Args:
        verb: train or evaluate.
        words: what follows, not quoted.

    Returns:
        `python train.py …` in a checkout, else `imaging train …`.
    """
    return shlex.join([*(["python", f"{verb}.py"] if CHECKOUT else ["imaging", verb]), *words])
