"""`imaging.data(name)`."""

import pytest

import imaging
from imaging.errors import ImagingError


def test_the_bundled_photographs():
    images = imaging.data("bundled", crop=[40, 50]).test_images()
    assert [tuple(image.shape) for _, image in images] == [(3, 40, 50)] * 3


def test_settings_reach_the_source_and_the_images(photographs):
    data = imaging.data("folder", test=str(photographs / "test"), channels=1, crop=[8, 9])
    assert [tuple(image.shape) for _, image in data.test_images()] == [(1, 8, 9)] * 2


@pytest.mark.data
def test_a_data_set_lies_where_it_always_does(data_root, monkeypatch):
    monkeypatch.setenv("IMAGING_DATA", str(data_root))
    assert len(imaging.data("bsds300").test_images()) == 100


def test_it_is_still_the_package():
    from imaging.data.module import ImageData

    assert imaging.data.ImageData is ImageData
    with pytest.raises(AttributeError, match="no attribute 'dada'"):
        imaging.dada  # noqa: B018


def test_wrong_names_are_refused_in_a_line():
    with pytest.raises(ImagingError, match=r"unknown data.source 'bsds' \(did you mean"):
        imaging.data("bsds")
    with pytest.raises(ImagingError, match="has no setting 'cut'"):
        imaging.data("bundled", cut=3)
