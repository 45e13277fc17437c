"""Images with names that no format likes, from their files to the page of a sweep."""

import csv
import os
import shutil

import pytest

NAMES = [b"a\r\nb.png", rb"a\r\nb.png", b"\xff.png", b'$x$ <b>&",|.png', b"$\\frac{.png"]
IDS = {r"a\\r\\nb", r"a\r\nb", r"\udcff", '$x$ <b>&",|', r"$\frac{"}


@pytest.mark.slow
def test_images_of_any_name_are_tested_drawn_and_told(command, tiny, photographs, tmp_path):
    images = tmp_path / "test images"
    images.mkdir()
    for name in NAMES:
        shutil.copy(photographs / "test" / "piece-5.png", os.path.join(os.fsencode(images), name))
    arguments = [f"data.source.test={images}", "test.examples=5", "seed=0,1"]
    status, _, complained = command("train.py", "-m", *tiny, *arguments)
    assert (status, complained) == (0, "")
    (sweep,) = tmp_path.glob("multirun/*/*")
    for table in (sweep / "per_image.csv", sweep / "0-seed-0" / "per_image.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            assert {row["image"] for row in csv.DictReader(file)} == IDS
    assert len(list(sweep.glob("strip-*.png"))) == len(IDS)
    for page in ("report.html", "summary.md"):
        assert (sweep / page).read_text(encoding="utf-8")
    assert command("evaluate.py", f"run={sweep / '0-seed-0'}")[0] == 0
