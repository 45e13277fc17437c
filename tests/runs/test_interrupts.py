"""Signals: as an exception at once, or when it suits; and the handler of before."""

import os
import signal
import weakref

import pytest

from imaging.runs.interrupts import SIGNALS, Interrupted, Interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_is_not_deferred(number):
    with pytest.raises(Interrupted, match=f"{signal.Signals(number).name}: stopped"), Interrupts():
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_deferred_signal_waits_and_a_second_one_does_not(number, capfd, monkeypatch):
    with Interrupts() as interrupts:
        interrupts.deferred = True
        os.kill(os.getpid(), number)
        assert interrupts.reason == signal.Signals(number).name
        assert "stopping after this step" in capfd.readouterr().err
        monkeypatch.setattr("imaging.runs.interrupts.SAME", 0)  # as if seconds had passed
        with pytest.raises(Interrupted, match="at once"):
            os.kill(os.getpid(), number)


def test_a_clusters_signal_that_comes_twice_counts_once_but_ctrl_c_does_not():
    with Interrupts() as interrupts:
        interrupts.deferred = True
        os.kill(os.getpid(), signal.SIGUSR1)  # from Slurm, to all processes of the job
        os.kill(os.getpid(), signal.SIGTERM)  # from the queue that Slurm signalled as well
        assert interrupts.reason == "SIGUSR1"
        with pytest.raises(Interrupted, match="SIGINT: stopped at once"):
            os.kill(os.getpid(), signal.SIGINT)


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
