"""Hashes of states, and sketches of their distance."""

import math

import pytest
import torch

from imaging.errors import ImagingError
from imaging.training.fingerprints import describe, digest, distance, is_near, sketch, states_of


def test_a_digest_depends_on_values_alone():
    x = torch.rand(2, 3, 4, 5)
    state = {"b": [1, 2.5, None, True, "text"], "a": (x, torch.tensor(3))}
    same = {
        "a": [x.to(memory_format=torch.channels_last), torch.tensor(3)],
        "b": [1, 2.5, None, True, "text"],
    }
    assert digest(state) == digest(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (1, "1"),
        (None, "None"),
        (0.0, -0.0),
        ([1, 2], [2, 1]),
        ([1, [2]], [[1], 2]),
        (["ab", "c"], ["a", "bc"]),
        ({"a": 1}, {"b": 1}),
        (torch.zeros(2), torch.zeros(2, 1)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int32)),
        (torch.tensor(1.0), torch.tensor(1.0000001)),
    ],
)
def test_what_differs_has_another_digest(one, other):
    assert digest(one) != digest(other)


@pytest.mark.parametrize("value", [object(), torch.eye(2).to_sparse(), {"a": {1, 2}}, 1j])
def test_what_is_no_plain_data_is_named(value):
    with pytest.raises(ImagingError, match="cannot be hashed; expected plain data and tensors"):
        digest(value)


def test_the_distance_of_sketches_is_in_the_mean_that_of_the_weights():
    weights = {"a": torch.randn(31, 7), "b": torch.randn(5), "number": torch.tensor(3)}
    ratios = []
    for seed in range(200):
        random = torch.Generator().manual_seed(seed)
        step = {name: torch.randn(w.shape, generator=random) for name, w in weights.items() if w.dim()}
        moved = {name: w + step[name] if name in step else w for name, w in weights.items()}
        length = math.sqrt(sum(s.square().sum().item() for s in step.values()))
        ratios.append((distance(sketch(weights), sketch(moved)) / length) ** 2)
    assert sum(ratios) / 200 == pytest.approx(1, abs=0.1)


def test_a_sketch_does_not_depend_on_memory_format_or_order():
    x, y = torch.rand(2, 3, 4, 5), torch.rand(3)
    assert sketch({"x": x, "y": y}) == sketch({"y": y, "x": x.to(memory_format=torch.channels_last)})
    assert not is_near(sketch({"x": x}), sketch({"x": x + 1e-6}))


def test_the_states_of_a_checkpoint():
    checkpoint = {
        "state_dict": {"w": torch.ones(1), "buffer": torch.zeros(1)},
        "training_weights": {"w": torch.zeros(1)},
        "optimizer_states": [],
        "lr_schedulers": [],
    }
    weights, average, optimizer = states_of(checkpoint)
    assert (weights["w"].item(), average["w"].item(), list(average)) == (0, 1, ["w"])
    line = describe(5, weights, average, optimizer)
    assert line.average == digest({"w": torch.ones(1)})
    del checkpoint["training_weights"]
    assert describe(5, *states_of(checkpoint)).average == ""


@pytest.mark.parametrize("checkpoint", [{}, {"state_dict": 3}, {"state_dict": {}, "optimizer_states": []}])
def test_a_checkpoint_without_a_training_is_named(checkpoint):
    with pytest.raises(ImagingError, match="not the checkpoint of a training"):
        states_of(checkpoint)
