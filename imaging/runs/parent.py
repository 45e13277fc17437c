"""End a job when the queue that started it ends."""

import os
import signal
import threading
import time

PARENT = "IMAGING_PARENT"  # environment variable with the id of the queue's process
GRACE = 45.0  # seconds to finish the batch and save


def follow_parent() -> None:
    """Save and end this process when its queue, or the first rank of `trainer=ddp`, has ended.

    A thread checks every second. Linux's PR_SET_PDEATHSIG would also work, but macOS does not have it.
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
