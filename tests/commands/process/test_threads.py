"""The number of threads of a single run."""

import pytest
import torch

from imaging.commands.process import threads


@pytest.fixture
def eight(monkeypatch):
    """A torch of eight threads; the list has the numbers that it is set to."""
    numbers = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return numbers


@pytest.mark.parametrize(("cores", "expected"), [(2, 2), (16, 8)])
def test_a_quota_limits_the_threads(cores, expected, eight, monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: cores)
    threads.limit_threads()
    assert eight == [expected]


def test_the_users_number_is_kept(eight, monkeypatch):
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    threads.limit_threads()
    assert eight == []
