"""End a job when the queue that started it ends."""

import multiprocessing
import os
import signal
import threading
import time

GRACE = 45.0  # seconds to finish the batch and save


def follow_parent() -> None:
    """Save and end this process when its queue, or the first rank of `trainer=ddp`, has ended.

    A thread checks every second. Linux's PR_SET_PDEATHSIG would also work, but macOS does not have it.
    """
    if multiprocessing.parent_process() is not None or int(os.environ.get("LOCAL_RANK", 0)) > 0:
        threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()


def _follow(parent: int) -> None:
    # A job's parent is the server that forked it, not the queue.
    queue = multiprocessing.parent_process()
    while os.getppid() == parent and (queue is None or queue.is_alive()):
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
