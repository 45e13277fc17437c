"""A job does not outlive the queue that started it."""

import os
import signal
import threading
import time

PARENT = "IMAGING_PARENT"  # the process that this one must not outlive
GRACE = 45.0  # seconds for the batch to end and to save


def follow_parent() -> None:
    """If this process was started by a queue, end it, saved, when the queue is gone, however that ended.

    So does a second rank of `trainer=ddp` when the first is gone. A thread that looks every second: Linux's
    PR_SET_PDEATHSIG would do as well, but not on a Mac.
    """
    parent: str | int | None = os.environ.pop(PARENT, None)
    if parent is None and int(os.environ.get("LOCAL_RANK", 0)) > 0:
        parent = os.getppid()
    if parent is not None:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
