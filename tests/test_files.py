"""A file is the old version or the new one."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.errors import ImagingError
from imaging.files import (
    check_regular,
    remove_unfinished,
    write_atomically,
    write_in_place,
    write_json,
    write_text,
)


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


def test_a_full_disk_is_named_also_where_the_writer_hides_it(tmp_path):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    def hidden(file):
        """As torch does: the end of its archive finds a wrong position."""
        try:
            full(file)
        finally:
            raise RuntimeError("unexpected pos 82496 vs 82388")

    for write in (full, hidden):
        with pytest.raises(OSError, match="No space left on device") as error:
            write_atomically(tmp_path / "a.ckpt", write)
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path / "a.ckpt"))


def test_an_error_without_a_number_keeps_its_words_and_names_the_file(tmp_path):
    """As numpy raises it for an array that does not fit on the disk."""

    def write(file):
        raise OSError("65536 requested and 25568 written")

    with pytest.raises(OSError, match="requested") as error:
        write_atomically(tmp_path / "a.npy", write)
    found = error.value.errno, error.value.strerror, error.value.filename
    assert found == (errno.EIO, "65536 requested and 25568 written", str(tmp_path / "a.npy"))


def test_text_is_written_into_the_place_of_another(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a longer text than the next")
    place = path.stat().st_ino
    write_in_place(path, "short: é")
    assert (path.read_text("utf-8"), path.stat().st_ino) == ("short: é", place)


def test_what_is_no_file_is_refused_without_opening_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name, what in (
        ("pipe", "a pipe or a device"),
        ("directory", "a directory"),
        ("device", "a pipe or a device"),
    ):
        with pytest.raises(ImagingError, match=f"{name} is {what}; expected a file"):
            check_regular(tmp_path / name)
    check_regular(tmp_path / "nothing")


def test_an_error_of_the_writer_is_not_taken_for_one_of_the_disk(tmp_path):
    def write(file):
        raise ImagingError("a page is damaged") from FileNotFoundError(2, "No such file or directory")

    with pytest.raises(ImagingError, match="a page is damaged"):
        write_atomically(tmp_path / "a.tif", write)


def test_a_directory_in_the_place_of_a_file_is_named_and_not_the_temporary_file(tmp_path):
    (tmp_path / "status.json").mkdir()
    with pytest.raises(IsADirectoryError) as told:
        write_json(tmp_path / "status.json", {})
    assert told.value.filename == str(tmp_path / "status.json")
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
