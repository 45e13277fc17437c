"""Checkpoint files: read without running code, found where they lie."""

import os
import pickle
import random
from pathlib import Path

import pytest
import torch

from imaging.errors import ImagingError
from imaging.runs.checkpoints import (
    NEEDED,
    AtomicCheckpointIO,
    find_checkpoint,
    newest_checkpoint,
    read_checkpoint,
)


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.zeros(1000)}, "config": {}}, path)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_a_checkpoint_from_a_stranger_cannot_run_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, tmp_path / "evil.ckpt")
    (tmp_path / "pure.ckpt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.ckpt", "pure.ckpt"):
        with pytest.raises(ImagingError, match=f"{name} cannot be read as a checkpoint"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "evil").exists()


def test_what_is_intact_beside_a_damaged_checkpoint_is_named(tmp_path):
    write(tmp_path / "best.ckpt")
    (tmp_path / "last.ckpt").write_bytes((tmp_path / "best.ckpt").read_bytes()[:1000])
    with pytest.raises(ImagingError, match=rf"beside it there is {tmp_path}/best.ckpt$"):
        read_checkpoint(tmp_path / "last.ckpt")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_half_a_file_is_refused_in_one_line(tmp_path, share):
    write(tmp_path / "last.ckpt")
    whole = (tmp_path / "last.ckpt").read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImagingError, match="cannot be read as a checkpoint") as refused:
        read_checkpoint(tmp_path / "half.ckpt")
    assert "\n" not in str(refused.value)


def test_every_flipped_bit_of_the_contents_is_noticed(tmp_path):
    """Of a checkpoint's records; a bit of padding between them, which holds nothing, may go unnoticed."""
    path = tmp_path / "last.ckpt"
    write(path)
    whole, draw = path.read_bytes(), random.Random(0)
    expected = read_checkpoint(path)["state_dict"]["w"]
    refused = 0
    for _ in range(100):
        at = draw.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :])
        try:
            content = read_checkpoint(path)
        except ImagingError:
            refused += 1
        else:
            assert torch.equal(content["state_dict"]["w"], expected)
    assert refused > 70


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_and_the_checkpoint_before_is_taken(value, tmp_path, capsys):
    good = {"state_dict": {"w": torch.zeros(3)}, **dict.fromkeys(NEEDED - {"state_dict"}, 0)}
    bad = good | {"state_dict": {"w": torch.tensor([0, value, 0])}}
    torch.save(good, tmp_path / "previous.ckpt")
    torch.save(bad, tmp_path / "last.ckpt")
    with pytest.raises(ImagingError, match=r"last\.ckpt cannot be used: its weights w are not finite"):
        read_checkpoint(tmp_path / "last.ckpt")
    assert newest_checkpoint(tmp_path)[0] == tmp_path / "previous.ckpt"
    assert "resuming from previous.ckpt, step 0" in capsys.readouterr().err
    torch.save(bad, tmp_path / "previous.ckpt")
    with pytest.raises(
        ImagingError, match=r"to start this run again, delete last\.ckpt and previous\.ckpt in "
    ):
        newest_checkpoint(tmp_path)


def test_a_run_is_found_by_its_directory_or_by_its_checkpoint(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    write(path)
    assert find_checkpoint(tmp_path / "run") == find_checkpoint(path) == path


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ImagingError, match=f"there is no checkpoint {tmp_path}/last.ckpt"):
        read_checkpoint(tmp_path / "last.ckpt")
    with pytest.raises(ImagingError, match="there is no run directory or checkpoint"):
        find_checkpoint(tmp_path / "nowhere")
    with pytest.raises(ImagingError, match="has no checkpoint"):
        find_checkpoint(tmp_path)
