"""What a run's directory has of its test, and what is said of it if it has been damaged."""

import math

import numpy as np
import pytest
import torch

from imaging.errors import ImagingError
from imaging.evaluation.outputs import KINDS, PER_IMAGE, read_result, refuse_diverged, write_pictures
from imaging.evaluation.records import per_image_csv
from imaging.evaluation.run import digest
from imaging.models import build_model
from tests.results import records, result


@pytest.fixture
def tested(tmp_path):
    """A directory with two records, and its examples."""
    one = result(tmp_path.name, [30.0, 31.0])
    images = [np.full((1, 4, 5), value, np.float32) for value in (0.25, 0.5)]
    one.examples = {"names": ["0", "1"], "sigma": 0.1} | dict.fromkeys(KINDS, images)
    (tmp_path / PER_IMAGE).write_text(per_image_csv(one.records))
    write_pictures(tmp_path, one)
    return one


def test_a_result_comes_back_with_its_pictures(tested, tmp_path):
    back, damaged = read_result(tmp_path, tested.config, tested=2)
    assert damaged == []
    assert back.records == tested.records
    assert (back.examples["names"], back.examples["sigma"]) == (["0", "1"], 0.1)
    for kind in KINDS:
        np.testing.assert_array_equal(back.examples[kind], tested.examples[kind])


def test_records_that_are_too_few_are_told_with_the_command_that_makes_them(tested, tmp_path):
    again = rf"to test it again: .*evaluate.* run={tmp_path}"
    with pytest.raises(ImagingError, match=rf"has 2 records; expected 8; {again}"):
        read_result(tmp_path, tested.config, tested=8)
    (tmp_path / PER_IMAGE).write_text(per_image_csv(tested.records).splitlines(keepends=True)[0])
    with pytest.raises(ImagingError, match=rf"has 0 records; expected some; {again}"):
        read_result(tmp_path, tested.config)


def test_examples_that_are_no_images_cost_only_themselves(tested, tmp_path):
    tested.examples["restored"] = [image[0] for image in tested.examples["restored"]]
    write_pictures(tmp_path, tested)
    back, (line,) = read_result(tmp_path, tested.config)
    assert "examples.npz, which cannot be read; to test it again: " in line
    assert back.examples == {"names": []}
    assert len(back.records) == 2


def test_a_psnr_that_is_no_number_names_its_image():
    refuse_diverged(records("run", [30.0, math.inf]))
    with pytest.raises(ImagingError, match="PSNR of image 1 is not a number: the training diverged"):
        refuse_diverged(records("run", [30.0, math.nan, math.nan]))


def test_a_digest_is_of_every_weight_and_names_one_that_is_not_finite():
    config = {"name": "dncnn", "hidden_channels": 4, "depth": 3}
    network, same, other = (build_model(config) for _ in range(3))
    assert digest(network) == digest(same)
    with torch.no_grad():
        other.net[2].weight[0, 0, 0, 0] += 1e-6
    assert digest(network) != digest(other)
    for value in (math.nan, -math.inf):
        with torch.no_grad():
            other.net[2].weight[0, 0, 0, 0] = value
        with pytest.raises(ImagingError, match=r"net\.2\.weight are not finite numbers: .* diverged"):
            digest(other)
