"""Turn signals into an exception, immediately or deferred."""

import signal
import sys
import threading
import time

# Clusters send USR1 or USR2 before they end a job; HUP tells that the terminal is gone.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
EXIT_STATUS = 130  # of an interrupted command
# Seconds in which signals count as one: a cluster signals all processes of a job, and the queue among them
# forwards the signal to its jobs.
SAME = 5.0
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """A signal stopped the run, which is saved. Not an `Exception`, so that `except Exception` misses it."""


class Interrupts:
    """Context in which a signal raises `Interrupted`, immediately or, if `deferred` is set, in `stop`.

    Training defers signals because the weights may be in the middle of an update: a handler that saved them
    could write a mixture, or hang. A second signal raises immediately, without saving; signals within
    `SAME` seconds count as one, but for Ctrl-C.

    Python discards exceptions in some places, e.g. in weak-reference callbacks during an import. An exception
    lost there is raised again when a nested `Interrupts` is entered. Code that catches `Interrupted` must
    leave this context first.

    Args:
        until: what finishes first when a signal is deferred, for the message.
    """

    def __init__(self, until: str = "this step"):
        self.until, self.deferred = until, False
        self.reason: str | None = None  # name of the signal
        self.exception: Interrupted | None = None  # C code can replace it by another error during an import
        self._since = 0.0  # when the first signal came
        self._before: dict = {}

    def __enter__(self):
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for handler in self._before.values():
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, Interrupts) and outer.reason is not None and not outer.deferred:
                outer.stop("stopped")  # its exception was lost
        self.install()
        return self

    def __exit__(self, *error) -> None:
        if _in_main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def install(self) -> None:
        """Install the handlers in place of the current ones."""
        if _in_main_thread():
            for number in SIGNALS:
                ignored = signal.getsignal(number) == signal.SIG_IGN
                if not (ignored and signal.Signals(number).name == "SIGHUP"):  # by nohup
                    signal.signal(number, self._handle)

    def _handle(self, number, frame) -> None:
        again = self.reason is not None
        if again and number != signal.SIGINT and time.monotonic() - self._since < SAME:
            return
        if not again:
            self._since = time.monotonic()
        self.reason = signal.Signals(number).name
        if again or not self.deferred:
            self.stop("stopped at once" if again else "stopped")
        message = f"\n{self.reason}: stopping after {self.until} (send it again to stop at once)"
        print(message, file=sys.stderr, flush=True)

    def stop(self, outcome: str) -> None:
        """Raise `Interrupted` with the name of the signal and the outcome of the run."""
        self.exception = Interrupted(f"{self.reason or 'another rank was asked to stop'}: {outcome}")
        raise self.exception


def _in_main_thread() -> bool:
    # Python allows no signal handlers in other threads.
    return threading.current_thread() is threading.main_thread()
