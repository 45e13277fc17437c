"""Signals as an exception, at once or when it suits."""

import signal
import sys
import threading

# USR1 and USR2 are what clusters send before they take a job away.
NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")
EXIT_STATUS = 130  # of a command that was interrupted
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """The run was asked to stop and has saved; not an error, so no `except Exception` may swallow it."""


class Interrupts:
    """While entered, a signal raises `Interrupted`: at once, or, if `deferred`, when somebody calls `leave`.

    Whoever defers does so because the weights may be in the middle of an update: saving inside a handler
    could catch them there, and hang. A second signal is obeyed at once, without saving.

    Where Python ignores exceptions, as in callbacks of weak references while it imports, that of a signal is
    lost. So whoever enters another one inside is told then; who catches `Interrupted` leaves this one first.

    Args:
        until: what is brought to its end first where a signal is deferred, for the message.
    """

    def __init__(self, until: str = "this step"):
        self.until, self.deferred = until, False
        self.asked: str | None = None
        self.left: Interrupted | None = None  # as raised; in an import C code may make another error of it
        self._number: int | None = None
        self._before: dict = {}

    def __enter__(self):
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for handler in self._before.values():
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, Interrupts) and outer.asked is not None and not outer.deferred:
                outer.leave("stopped")  # its exception was lost
        self.install()
        return self

    def __exit__(self, *error) -> None:
        if _in_main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def install(self) -> None:
        """Put the handlers in place, instead of whatever is there now."""
        if _in_main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number, frame) -> None:
        again = self.asked is not None
        self.asked, self._number = signal.Signals(number).name, number
        if again or not self.deferred:
            self.leave("stopped at once" if again else "stopped")
        told = f"\n{self.asked}: stopping after {self.until} (once more: at once)"
        print(told, file=sys.stderr, flush=True)

    def leave(self, how: str) -> None:
        """Raise `Interrupted`, telling what asked for it and how the run was left."""
        self.left = Interrupted(f"{self.asked or 'another rank was asked to stop'}: {how}")
        raise self.left

    def hand_on(self) -> None:
        """Call the handler that was there before for the signal that came.

        A cluster's launcher has one that puts the job into the queue again, and ends the process.
        """
        before = self._before.get(self._number)
        ours = isinstance(getattr(before, "__self__", None), Interrupts)
        if callable(before) and not ours and before is not signal.default_int_handler:
            before(self._number, None)


def _in_main_thread() -> bool:
    # Elsewhere Python allows no handlers.
    return threading.current_thread() is threading.main_thread()
