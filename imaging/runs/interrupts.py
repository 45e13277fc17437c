"""Turn signals into an exception, immediately or deferred."""

import signal
import sys
import threading

# Clusters send USR1 or USR2 before they end a job.
NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")
EXIT_STATUS = 130  # of an interrupted command
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """A signal stopped the run, which is saved. Not an `Exception`, so that `except Exception` misses it."""


class Interrupts:
    """Context in which a signal raises `Interrupted`, immediately or, if `deferred` is set, in `stop`.

    Training defers signals because the weights may be in the middle of an update: a handler that saved them
    could write a mixture, or hang. A second signal raises immediately, without saving.

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
        self._number: int | None = None
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
                signal.signal(number, self._handle)

    def _handle(self, number, frame) -> None:
        again = self.reason is not None
        self.reason, self._number = signal.Signals(number).name, number
        if again or not self.deferred:
            self.stop("stopped at once" if again else "stopped")
        message = f"\n{self.reason}: stopping after {self.until} (send it again to stop at once)"
        print(message, file=sys.stderr, flush=True)

    def stop(self, outcome: str) -> None:
        """Raise `Interrupted` with the name of the signal and the outcome of the run."""
        self.exception = Interrupted(f"{self.reason or 'another rank was asked to stop'}: {outcome}")
        raise self.exception

    def forward(self) -> None:
        """Call the previous handler of the signal.

        A cluster's launcher may have installed one that requeues the job and ends the process.
        """
        before = self._before.get(self._number)
        nested = isinstance(getattr(before, "__self__", None), Interrupts)
        if callable(before) and not nested and before is not signal.default_int_handler:
            before(self._number, None)


def _in_main_thread() -> bool:
    # Python allows no signal handlers in other threads.
    return threading.current_thread() is threading.main_thread()
