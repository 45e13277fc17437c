"""Image files in directories with links, loops and places that cannot be read."""

import os

import pytest

from imaging.errors import ImagingError
from imaging.images.listing import all_image_files, image_files


@pytest.fixture
def tree(tmp_path):
    for name in ("a.png", "in/b.BMP", "in/deep/c.tif", "in/notes.txt", ".hidden/d.png", "in/.e.png"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_bytes(b"")
    return tmp_path / "root"


def names(tree):
    return [path.relative_to(tree).as_posix() for path in image_files(tree)[0]]


def test_images_are_found_by_suffix_and_hidden_ones_are_not(tree):
    assert names(tree) == ["a.png", "in/b.BMP", "in/deep/c.tif"]


def test_links_are_followed_but_no_loop_and_nothing_twice(tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f.jpg").write_bytes(b"")
    (tree / "link").symlink_to(tmp_path / "elsewhere")
    (tree / "link again").symlink_to(tmp_path / "elsewhere")
    (tree / "in" / "loop").symlink_to(tree)
    (tree / "broken.png").symlink_to(tmp_path / "nothing")
    assert names(tree) == ["a.png", "in/b.BMP", "in/deep/c.tif", "link/f.jpg"]
    assert image_files(tree)[1] == [f"{tree}/broken.png: a broken link, or no regular file"]


def test_what_cannot_be_read_is_told(tree, monkeypatch):
    scan = os.scandir

    def guarded(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert names(tree) == ["a.png", "in/b.BMP"]
    assert image_files(tree)[1] == [f"{tree}/in/deep: Permission denied"]
    with pytest.raises(ImagingError, match=r"^data: cannot read .*deep: Permission denied$"):
        all_image_files(tree, "data")


def test_no_image_and_no_directory(tmp_path):
    with pytest.raises(ImagingError, match=r"^data: no image \(\.png, .*\) in "):
        all_image_files(tmp_path, "data")
    with pytest.raises(ImagingError, match=r"^data: there is no directory .*none$"):
        all_image_files(tmp_path / "none", "data")
