"""Start the jobs of a queue as forks of a process that has imported what they need."""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

from imaging.runs.interrupts import SIGNALS

# What a job imports, seconds of it. None of it may use CUDA or start a thread pool of OpenMP when it is
# imported: neither survives a fork.
PRELOAD = [
    "imaging.commands.frame",
    "imaging.commands.train",
]
BLOCKED = {*SIGNALS, getattr(signal, "SIGHUP", signal.SIGTERM)}

# On macOS the system's libraries do not survive a fork, so that each process imports on its own.
CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
_in_use: Connection | None = None  # of this process, if it is a job


def prepare() -> None:
    """Start the server from which processes are forked, which takes seconds, and do not wait for it.

    It ends with this process. Where processes are not forked, do nothing.
    """
    if CONTEXT.get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver, resource_tracker  # here, because Windows has neither

    CONTEXT.set_forkserver_preload(PRELOAD)
    resource_tracker.ensure_running()  # first, because it would unblock signals
    # The server inherits the blocked signals, so that one for the whole process group does not end it before
    # its children have saved.
    with _blocked_signals():
        forkserver.ensure_running()


@dataclass(frozen=True)
class Child:
    """A process, and a connection at whose end the process no longer needs its GPU."""

    process: BaseProcess
    _in_use: Connection

    @property
    def has_left_its_slot(self) -> bool:
        return self._in_use.poll()


def leave_slot() -> None:
    """Let the next job of the queue have this job's GPU; without a queue, do nothing."""
    global _in_use
    if _in_use is not None:
        _in_use.close()
        _in_use = None


def start(command: Sequence[str], environment: dict[str, str], log: Path) -> Child:
    """Run a Python script in a new process, in a session of its own.

    Args:
        command: the interpreter, which is not used, the script and its arguments.
        environment: all environment variables of the process.
        log: the file to which its output is appended.
    """
    prepare()
    ended, in_use = CONTEXT.Pipe(duplex=False)
    arguments = list(command[1:]), environment, str(log), os.getcwd(), in_use
    process = CONTEXT.Process(target=_run, args=arguments)
    with _blocked_signals():  # a signal waits until `process` is known
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")  # else the process would run this one's script first
        try:
            process.start()
        finally:
            sys.modules["__main__"] = main
            in_use.close()  # the process has its own
    return Child(process, ended)


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(
    command: list[str], environment: dict[str, str], log: str, directory: str, in_use: Connection
) -> None:
    """Become the process of a command, as if Python had been started with it."""
    global _in_use
    _in_use = in_use
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C in the terminal reaches only the queue, which forwards it
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    if "torch" in sys.modules and "OMP_NUM_THREADS" in environment:  # which was read when torch was imported
        sys.modules["torch"].set_num_threads(int(environment["OMP_NUM_THREADS"]))
    # Workers of data loaders start as in any other process.
    multiprocessing.set_start_method(multiprocessing.get_all_start_methods()[0], force=True)
    sys.argv = command
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
    try:
        runpy.run_path(command[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing does not, and loggers end there
