"""Which slots a setting means."""

import os

import pytest
import torch

from imaging.errors import ImagingError
from imaging.sweeps.slots import find_slots


@pytest.fixture
def gpus(monkeypatch):
    """A machine with three of its GPUs visible."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,4,6")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [("auto", ["1", "4", "6"]), (2, ["1", "4"]), ([6, 1], ["6", "1"]), (["4"], ["4"])],
)
def test_gpus(devices, expected, gpus):
    slots = find_slots(devices)
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots] == expected
    assert [slot.name for slot in slots] == [f"GPU {gpu}" for gpu in expected]


def test_without_a_choice_all_gpus_of_the_machine_are_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [slot.name for slot in find_slots("auto")] == ["GPU 0", "GPU 1"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ImagingError, match=r"no GPU is visible here: .* set hydra\.launcher\.devices=cpu:"):
        find_slots("auto")


def test_slots_of_cores_share_them_and_see_no_gpu(gpus):
    slots = find_slots("cpu:2")
    cores = len(os.sched_getaffinity(0))
    assert [slot.environment["OMP_NUM_THREADS"] for slot in slots] == [str(max(1, cores // 2))] * 2
    assert {slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots} == {""}


@pytest.mark.parametrize("devices", [4, [0], [1, 1], "cpu:0", "cpu:x", "all", 0, -1, [], True, None])
def test_what_cannot_be_is_refused(devices, gpus):
    with pytest.raises(ImagingError, match=r"^hydra\.launcher\.devices is "):
        find_slots(devices)
