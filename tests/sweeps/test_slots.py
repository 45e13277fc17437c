"""Which slots a setting means."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.sweeps import slots
from imaging.sweeps.slots import advice_on_sharing, find_slots, visible_gpus


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
    found = find_slots(devices)
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found] == expected
    assert [slot.name for slot in found] == [f"GPU {gpu}" for gpu in expected]


def test_without_a_choice_all_gpus_of_the_machine_are_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == []  # no driver
    monkeypatch.setattr(slots, "DRIVERS", ("/dev/null",))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [slot.name for slot in find_slots("auto")] == ["GPU 0", "GPU 1"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ImagingError, match=r"no GPU is visible here: .* set hydra\.launcher\.devices=cpu:"):
        find_slots("gpus")


def test_without_a_gpu_each_core_is_a_slot_while_there_is_memory(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(slots, "available_cores", lambda: 8)
    for memory, count, threads in ((64 << 30, 8, "1"), (8 << 30, 4, "2"), (1 << 30, 1, "8")):
        monkeypatch.setattr(slots, "available_memory", lambda memory=memory: memory)
        found = find_slots("auto")
        assert [slot.name for slot in found] == [f"CPU {i}" for i in range(count)]
        assert {slot.environment["OMP_NUM_THREADS"] for slot in found} == {threads}
        assert not any(slot.is_gpu for slot in found)


def test_several_jobs_share_a_gpu_and_the_threads(gpus, monkeypatch):
    monkeypatch.setattr(slots, "available_cores", lambda: 12)
    found = find_slots([1, 6], jobs_per_gpu=2)
    assert [slot.name for slot in found] == ["GPU 1.0", "GPU 6.0", "GPU 1.1", "GPU 6.1"]
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found] == ["1", "6", "1", "6"]
    assert {slot.environment["OMP_NUM_THREADS"] for slot in found} == {"3"}
    assert all(slot.is_gpu for slot in found)
    for wrong in (0, "x", 1.5):
        with pytest.raises(ImagingError, match=r"^hydra\.launcher\.jobs_per_gpu is "):
            find_slots([1], jobs_per_gpu=wrong)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("0,-1,2", ["0"]),  # CUDA ignores what follows an invalid id
        ("-1", []),
        ("", []),
        ("NoDevFiles", ["NoDevFiles"]),
        (" 3 ,1,3", ["3", "1"]),
        ("GPU-1a2b,MIG-3c4d", ["GPU-1a2b", "MIG-3c4d"]),
        ("0,,2", ["0"]),
    ],
)
def test_what_cuda_sees(listed, expected, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == expected


WHOLE = "GPU 0: NVIDIA H100 (UUID: GPU-aa)\nGPU 1: NVIDIA H100 (UUID: GPU-bb)\n"
DIVIDED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5f5a)
  MIG 3g.20gb     Device  0: (UUID: MIG-c7b5)
  MIG 1g.5gb      Device  1: (UUID: MIG-4e9a)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-d6e3)
"""


@pytest.mark.parametrize(
    ("listed", "expected"),
    [(WHOLE, ["0", "1"]), (DIVIDED, ["MIG-c7b5", "MIG-4e9a", "GPU-d6e3"]), (None, ["0", "1"])],
)
def test_the_parts_of_a_divided_gpu_are_gpus(listed, expected, monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(slots, "DRIVERS", ("/dev/null",))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("PATH", str(tmp_path))
    if listed is not None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ntest \"$1\" = -L && /bin/cat <<'END'\n{listed}END\n")
        program.chmod(0o755)
    assert visible_gpus() == expected


def test_it_is_told_that_jobs_of_a_gpu_take_turns(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert "nvidia-cuda-mps-control -d" in advice_on_sharing()
    (tmp_path / "control").touch()
    assert advice_on_sharing() is None


def test_slots_of_cores_share_them_and_see_no_gpu(gpus, monkeypatch):
    monkeypatch.setattr(slots, "available_cores", lambda: 7)
    found = find_slots("cpu:2")
    assert [slot.environment["OMP_NUM_THREADS"] for slot in found] == ["3"] * 2
    assert {slot.environment["CUDA_VISIBLE_DEVICES"] for slot in found} == {""}


@pytest.mark.parametrize("devices", [4, [0], [1, 1], "cpu:0", "cpu:x", "all", 0, -1, [], True, None])
def test_what_cannot_be_is_refused(devices, gpus):
    with pytest.raises(ImagingError, match=r"^hydra\.launcher\.devices is "):
        find_slots(devices)
