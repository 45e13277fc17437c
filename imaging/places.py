"""Where the project lies: in a checkout, or installed as a package without one."""

import shlex
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent
_BESIDE = _PACKAGE.parent
# The directory that holds train.py and conf/; None where the package was installed from a wheel.
CHECKOUT = _BESIDE if (_BESIDE / "train.py").is_file() and (_BESIDE / "conf").is_dir() else None
CONF = (CHECKOUT or _PACKAGE) / "conf"
WEIGHTS = (CHECKOUT or _PACKAGE) / "weights"
SCRIPTS = CHECKOUT or _PACKAGE / "scripts"  # train.py and evaluate.py


def command_line(verb: str, *words: str) -> str:
    """A command of this project that can be pasted into the shell that this process was started from.

    Args:
        verb: train or evaluate.
        words: what follows, not quoted.

    Returns:
        `python train.py …` if this process was started so or in the checkout, else `imaging train …`.
    """
    script = Path(sys.argv[0])
    if not script.is_absolute():
        start = ["python", str(script.with_name(f"{verb}.py"))]
    else:
        start = ["python", f"{verb}.py"] if Path.cwd() == CHECKOUT else ["imaging", verb]
    return shlex.join([*start, *words])
