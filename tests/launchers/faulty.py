"""train.py with faults: the job of seed S ends in the way that FAULTS says for S, in its first attempt only.

FAULTS is JSON: {"1": "raise", "3": "exit", "4": "kill"}.
"""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import train
from imaging.runs import run


def watched_start(self, **changes):
    """At the first step: the fault."""
    update(self, **changes)
    fault = json.loads(os.environ["FAULTS"]).get(str(self.config["seed"]))
    if fault is None or self._status["attempts"] > 1 or not changes.get("device"):
        return
    if fault == "raise":
        raise RuntimeError("a fault of the network")
    if fault == "exit":
        os._exit(3)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


update = run.Run.update
run.Run.update = watched_start

if __name__ == "__main__":
    train.main()
