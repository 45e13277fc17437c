"""Signals: as an exception at once, or when it suits; and the handler of before."""

import os
import signal
import weakref

import pytest

from imaging.runs.interrupts import SIGNALS, Interrupted, Interrupts
from imaging.runs.run import Run
from imaging.runs.status import read_status


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_is_not_deferred(number):
    with pytest.raises(Interrupted, match=f"{signal.Signals(number).name}: stopped"), Interrupts():
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_deferred_signal_waits_and_a_second_one_does_not(number, capfd):
    with Interrupts() as interrupts:
        interrupts.deferred = True
        os.kill(os.getpid(), number)
        assert interrupts.reason == signal.Signals(number).name
        assert "stopping after this step" in capfd.readouterr().err
        with pytest.raises(Interrupted, match="at once"):
            os.kill(os.getpid(), number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_is_obeyed_though_python_ignored_its_exception():
    with Interrupts():
        thing = set()
        callback = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        del thing
        assert callback() is None
        with pytest.raises(Interrupted, match="SIGTERM: stopped"), Interrupts():
            pytest.fail("entered")


def test_the_handlers_of_before_are_there_again():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupts():
        assert all(signal.getsignal(number) not in before for number in SIGNALS)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_cluster_launchers_handler_is_called_after_the_status_is_written(tmp_path, monkeypatch):
    called = []

    def requeue(number, frame):
        called.append((number, read_status(tmp_path)["state"]))
        raise SystemExit(-1)

    old = signal.signal(signal.SIGUSR2, requeue)
    try:
        with pytest.raises(SystemExit), Run(tmp_path, {}).watched():
            os.kill(os.getpid(), signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, old)
    assert called == [(signal.SIGUSR2, "interrupted")]
    assert read_status(tmp_path)["state"] == "interrupted"
