"""Records, and the file that grows while they are measured."""

import contextlib
import math
import random
from dataclasses import replace

import pytest

from imaging.errors import ImagingError
from imaging.evaluation.records import Record, RecordFile, per_image_csv, read_per_image, round_trip

SAME = {"weights": "abc", "convention": "unclipped", "method": "dncnn"}


def record(**changes) -> Record:
    values = {
        "run": "0-bias-true",
        "data": "bsds300",
        "image": "101085",
        "sigma": 0.1,
        "noise_seed": 0,
        "method": "dncnn",
        "psnr": 30.123456,
        "psnr_input": 20.0,
        "ssim": 0.9,
        "seconds": 0.0123,
        "convention": "unclipped",
        "weights": "abc",
    }
    return round_trip(Record(**(values | changes)))


def several(count=4) -> list[Record]:
    return [record(image=f"image {i}", sigma=s, psnr=30 + i) for i in range(count) for s in (0.1, 0.2)]


def test_per_image_has_the_agreed_columns():
    header, line = per_image_csv([record()]).splitlines()
    assert (
        header
        == "run,data,image,sigma,noise_seed,method,psnr,psnr_input,ssim,seconds,convention,weights,crc32"
    )
    assert line.rsplit(",", 1)[0] == (
        "0-bias-true,bsds300,101085,0.1,0,dncnn,30.1235,20.0000,0.9000,0.012300,unclipped,abc"
    )


@pytest.mark.parametrize("numbers", [{}, {"loss": 0.00012345678, "psnr_lost": math.inf}])
def test_per_image_comes_back(tmp_path, numbers):
    records = [record(psnr=30.5, numbers=numbers), record(image='a, "b" ünï', psnr=math.inf, numbers=numbers)]
    (tmp_path / "per_image.csv").write_text(per_image_csv(records))
    assert read_per_image(tmp_path / "per_image.csv") == records


def test_the_column_of_the_noise_has_the_name_of_its_level(tmp_path):
    path, records = tmp_path / "per_image.csv", [replace(r, level="peak") for r in several()]
    text = per_image_csv(records)
    header = text.split("\n")[0].split(",")
    assert "peak" in header
    assert "sigma" not in header
    path.write_text(text)
    assert read_per_image(path) == records
    path.write_text(text.replace("peak", "sigma"))  # the checksums cover the name
    with pytest.raises(ImagingError, match="line 2 is damaged"):
        read_per_image(path)


def test_the_file_of_an_earlier_version_is_read(tmp_path):
    lines = [line.rsplit(",", 2)[0] for line in per_image_csv(several()).splitlines()]
    (tmp_path / "per_image.csv").write_text("\n".join(lines) + "\n")
    assert [r.psnr for r in read_per_image(tmp_path / "per_image.csv")] == [r.psnr for r in several()]


def test_a_file_that_grows_is_the_one_that_is_written_at_once(tmp_path):
    path, records = tmp_path / "a" / "per_image.csv", several()
    for first in range(0, len(records), 3):
        RecordFile(path, SAME).append(records[first : first + 3])
    assert path.read_text() == per_image_csv(records)
    RecordFile(path, SAME).append(records)  # all are there
    assert path.read_text() == per_image_csv(records)


def test_a_file_that_was_cut_anywhere_is_completed(tmp_path):
    path, records = tmp_path / "per_image.csv", several()
    whole = per_image_csv(records).encode()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = RecordFile(path, SAME)
        assert list(kept.records.values()) == records[: len(kept.records)]
        kept.append(records)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("other", [{"weights": "def"}, {"convention": "clipped"}, {"method": "unet"}])
def test_records_of_another_test_are_dropped(tmp_path, other):
    path = tmp_path / "per_image.csv"
    path.write_text(per_image_csv(several()))
    assert RecordFile(path, SAME | other).records == {}


def test_no_mutation_is_taken_for_a_result(tmp_path):
    """A changed byte, a byte more or less, or a cut: an error, or the first records as they were.

    That some at the end are missing, the number in `status.json` tells.
    """
    path, whole, draw = tmp_path / "per_image.csv", per_image_csv(several()).encode(), random.Random(0)
    for _ in range(600):
        mutated = bytearray(whole)
        for _ in range(draw.choice((1, 1, 3))):
            at = draw.randrange(len(mutated))
            kind = draw.randrange(4)
            if kind == 0:
                mutated[at] = draw.randrange(256)
            elif kind == 1:
                del mutated[at]
            elif kind == 2:
                mutated.insert(at, draw.choice(b'0123456789,."\n\r\x00nanif'))
            else:
                del mutated[at:]
                break
        path.write_bytes(mutated)
        with contextlib.suppress(ImagingError):
            records = read_per_image(path)
            assert records == several()[: len(records)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1 is not the header"),
        ("a,b\n", "line 1 is not the header"),
        (per_image_csv(several())[:-30], "line 9 is cut short"),
        (per_image_csv(several()).replace("30.0000", "31.0000"), "line 2 is damaged"),
        (per_image_csv([*several(), several()[0]]), "not have each image exactly once with each noise"),
        (per_image_csv(several()[:-1]), "not have each image exactly once with each noise"),
        (
            per_image_csv(
                [*several(1), record(weights="def", image="b"), record(weights="def", image="b", sigma=0.2)]
            ),
            "more than one test",
        ),
    ],
)
def test_a_damaged_file_is_named_with_the_line(tmp_path, text, words):
    (tmp_path / "per_image.csv").write_text(text)
    with pytest.raises(ImagingError, match=words):
        read_per_image(tmp_path / "per_image.csv")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImagingError, match=r"per_image\.csv, cannot be read: No such file"):
        read_per_image(tmp_path / "per_image.csv")
