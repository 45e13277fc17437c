"""A file is the old version or the new one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.files import remove_unfinished, write_atomically, write_json, write_text


def test_text_and_json_come_back(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "σ\n")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "σ\n"
    write_json(tmp_path / "b.json", {"sigma": 0.1})
    assert json.loads((tmp_path / "b.json").read_text()) == {"sigma": 0.1}


def test_json_is_json_whatever_the_numbers(tmp_path):
    write_json(tmp_path / "a.json", {"a": [float("nan"), 1.5], "b": {"c": float("inf")}, "d": "NaN"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [None, 1.5], "b": {"c": None}, "d": "NaN"}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def half(file):
        file.write(b"ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_in_a_write_leaves_is_removed_and_nothing_else(tmp_path):
    code = """
import os, sys
from imaging.files import write_atomically
write_atomically(sys.argv[1], lambda file: os.kill(os.getpid(), 9))
"""
    checkout = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "last.ckpt")], cwd=checkout, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".last.ckpt.")
    for name in (".lock", ".notes.notebook", "a.ckpt"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {".lock", ".notes.notebook", "a.ckpt"}


def test_others_may_read_it_as_the_umask_says(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_names_of_files_are_different_wherever_they_lie():
    import random

    from imaging.files import file_name

    draw = random.Random(0)
    alphabet = "aAbB_ -./\\$\r\n\x00ü\udcff…é" + "é"
    names = {"".join(draw.choices(alphabet, k=draw.randint(1, 6))) for _ in range(2000)}
    names |= {"", "x" * 300, "x" * 301, ".", "..", "a b", "a_b", "101085", "piece-5"}
    names |= {file_name(name) for name in names}  # one image may be called as another one's file
    made = [file_name(name) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert all(0 < len(name) <= 89 and not set(name) & set("/\\\x00") and name.strip(".") for name in made)
    assert [file_name(name) for name in ("101085", "piece-5", "a_b")] == ["101085", "piece-5", "a_b"]
