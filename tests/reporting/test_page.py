"""The page of a sweep: whole, safe, and with the images that it says it has."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from imaging.reporting.page import MAX_SIDE, encode, viewer
from imaging.reporting.pictures import group_examples


def decode(source: str) -> np.ndarray:
    head, data = source.split(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)


@pytest.fixture
def text(page) -> str:
    return page.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Open tags, all text, and the sources of images."""

    def __init__(self, text: str):
        super().__init__()
        self.counts, self.text, self.sources, self.open = {}, "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.sources += [v for k, v in attributes if k in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_everything_is_in_it_and_nothing_of_the_text_is_markup(text):
    tags = Tags(text)
    assert tags.open == []
    for words in (
        "a <sweep>",
        "$1",
        "<Data>",
        "PSNR & more",
        "30.12 ± 0.10",
        "</td>",
        "a=<b>",
        "bias <no>",
        "PSNR < noise",
        "no results",
        "<title>",
        "30.00 (best)",
        "10.12",
    ):
        assert words in tags.text
    assert tags.counts["script"] == 1
    assert tags.counts["tr"] == 5 + 2 + 2


def test_it_needs_no_network(text):
    sources = Tags(text).sources
    assert [source.split(";")[0] for source in sources] == ["data:image/svg+xml", "data:image/webp"]
    assert not re.search(r"https?://|@import|url\(", text)


def test_the_images_are_those_of_the_runs(text, examples):
    images = json.loads(re.search(r"const images = (\[.*\]);", text)[1])
    assert [image["name"] for image in images] == ["a", "<b>"]
    views = images[1]["views"]
    assert [view["label"] for view in views] == [
        "clean",
        "measured y, test sigma 0.1",
        "dncnn",
        "unet </script>",
    ]
    assert views[1]["note"] == ", 20.00 dB"
    expected = (examples(2)["restored"][1].clip(0, 1) * 255).round().transpose(1, 2, 0)
    np.testing.assert_array_equal(decode(views[3]["source"]), expected.astype(np.uint8))


def test_a_large_image_is_cut_to_its_middle_and_a_gray_one_stays_gray():
    image = np.zeros((1, MAX_SIDE + 20, 10), dtype=np.float32)
    image[:, 10:-10] = 1
    pixels = decode(encode(image))
    assert pixels.shape[:2] == (MAX_SIDE, 10)
    assert pixels.min() == 255


def test_runs_without_examples_make_a_page_without_a_viewer(examples):
    assert viewer(group_examples({"dncnn": examples(1, names=())})) == []
