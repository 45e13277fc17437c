"""The paths of the project's files, in a checkout or in an installed package."""

import shlex
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent
_BESIDE = _PACKAGE.parent
# The directory of train.py and conf/; None if the package was installed from a wheel.
CHECKOUT = _BESIDE if (_BESIDE / "train.py").is_file() and (_BESIDE / "conf").is_dir() else None
CONF = (CHECKOUT or _PACKAGE) / "conf"
WEIGHTS = (CHECKOUT or _PACKAGE) / "weights"
SCRIPTS = CHECKOUT or _PACKAGE / "scripts"  # train.py and evaluate.py


def command_line(verb: str, *words: str) -> str:
    """A command of this project, quoted for the shell, to run in this process's working directory.

    Args:
        verb: train or evaluate.
        words: the arguments, not quoted.

    Returns:
        `python train.py …` if this process was started in this form or in the checkout, else
        `imaging train …`.
    """
    script = Path(sys.argv[0])
    if not script.is_absolute():
        start = ["python", str(script.with_name(f"{verb}.py"))]
    else:
        start = ["python", f"{verb}.py"] if Path.cwd() == CHECKOUT else ["imaging", verb]
    return shlex.join([*start, *words])
