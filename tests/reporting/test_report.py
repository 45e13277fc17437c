"""What is said beside the tables."""

import math

import pytest

from imaging.evaluation.records import Record
from imaging.reporting.report import caption

TOLD = "PSNR in dB, mean over 2 test images of folder"


@pytest.mark.parametrize(
    ("psnr", "words"),
    [
        ((30.0, 31.0), TOLD),
        ((30.0, math.inf), f"{TOLD}; inf with an image that is restored exactly, such as b"),
    ],
)
def test_a_caption_says_of_what_and_why_a_mean_is_infinite(psnr, words):
    records = [
        Record("run", "folder", image, 0.1, 0, "dncnn", value, 20.0, 0.9, 0.1, "unclipped")
        for image, value in zip("ab", psnr, strict=True)
    ]
    assert caption(records) == words
