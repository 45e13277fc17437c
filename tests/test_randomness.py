"""Randomness as a pure function of its keys."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imaging.randomness import generator


def draw(*keys):
    return torch.rand(8, generator=generator(*keys)).tolist()


def test_same_keys_same_numbers_whatever_was_drawn_before():
    torch.manual_seed(1)
    first = draw(0, "noise", 3, 0.1)
    torch.rand(100)
    assert draw(0, "noise", 3, 0.1) == first


def test_the_global_state_is_left_alone():
    before = torch.get_rng_state()
    draw(0, "noise")
    assert torch.equal(torch.get_rng_state(), before)


def test_other_keys_give_other_numbers():
    keys = [
        (0,),
        (1,),
        ("1",),
        (1.0,),
        (0, "a"),
        ("a", 0),
        (0, "a", 1),
        (0, "a1"),
        (0, "a", 0, 1),
        (0, "a", 1, 0),
    ]
    streams = [tuple(draw(*key)) for key in keys]
    assert len(set(streams)) == len(keys)


def test_same_numbers_in_another_process_with_other_string_hashes():
    code = "from imaging.randomness import generator; print(generator(5, 'crop', 0.25).initial_seed())"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    root = Path(__file__).parents[1]
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=root, env=environment)
    assert int(printed) == generator(5, "crop", 0.25).initial_seed()


def test_streams_of_consecutive_steps_are_uncorrelated():
    steps = torch.stack([torch.randn(1000, generator=generator(0, "noise", step)) for step in range(20)])
    off_diagonal = torch.corrcoef(steps)[~torch.eye(20, dtype=torch.bool)]
    assert off_diagonal.abs().max() < 0.15  # standard deviation 0.03


@pytest.mark.parametrize("key", [True, None, (1,), torch.tensor(1)], ids=["bool", "None", "tuple", "tensor"])
def test_a_key_whose_text_may_differ_between_machines_is_refused(key):
    with pytest.raises(TypeError, match="key"):
        generator(0, key)
