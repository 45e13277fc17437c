"""Learning-rate schedules against their closed forms."""

import math

import pytest
import torch

from imaging.errors import ImagingError
from imaging.tasks import OPTIMIZERS, SCHEDULES


def rates(schedule: dict, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler = SCHEDULES.build(schedule, optimizer=optimizer, steps=steps)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return values


def test_constant():
    assert rates({"name": "constant"}, 3) == [2.0, 2.0, 2.0]


def test_cosine_falls_from_the_full_rate_to_the_final_one():
    expected = [0.2 + 1.8 * 0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)]
    assert rates({"name": "cosine", "final": 0.1}, 10) == pytest.approx(expected)


def test_warm_up_rises_in_a_straight_line():
    values = rates({"name": "cosine", "warmup_steps": 4}, 40)
    assert values[:5] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0])
    assert values[5] < 2.0


def test_a_warm_up_takes_at_most_a_tenth_of_the_training():
    assert rates({"name": "cosine", "warmup_steps": 100}, 40)[:5] == pytest.approx([0.5, 1, 1.5, 2, 2])
    assert rates({"name": "cosine", "warmup_steps": 100}, 5)[0] == 2.0


def test_a_negative_warm_up_is_refused():
    with pytest.raises(ImagingError, match="expected a whole number, at least 0"):
        rates({"name": "cosine", "warmup_steps": -1}, 10)


@pytest.mark.parametrize("name", ["adam", "muon", "sgd"])
@pytest.mark.parametrize("lr", [0.0, -1.0, math.inf, math.nan])
def test_a_learning_rate_must_be_positive(name, lr):
    with pytest.raises(ImagingError, match=r"optimizer\.lr is"):
        OPTIMIZERS.build({"name": name, "lr": lr}, parameters=[torch.zeros(1, requires_grad=True)])


@pytest.mark.parametrize(
    ("name", "setting", "value", "expected"),
    [
        ("adam", "betas", [0.9], "two numbers in [0, 1)"),
        ("adam", "betas", [0.9, 1.0], "two numbers in [0, 1)"),
        ("adam", "weight_decay", -1.0, "a number >= 0"),
        ("muon", "betas", ["a", "b"], "two numbers in [0, 1)"),
        ("muon", "betas", [math.nan, 0.9], "two numbers in [0, 1)"),
        ("muon", "momentum", 2.0, "a number in [0, 1)"),
        ("muon", "weight_decay", math.nan, "a number >= 0"),
        ("sgd", "momentum", -1.0, "a number in [0, 1)"),
    ],
)
def test_a_value_out_of_range_is_refused(name, setting, value, expected):
    with pytest.raises(ImagingError) as error:
        OPTIMIZERS.build({"name": name, setting: value}, parameters=[torch.zeros(1, requires_grad=True)])
    assert str(error.value) == f"optimizer.{setting} is {value}; expected {expected}"


@pytest.mark.parametrize("final", [-3.0, math.nan, math.inf])
def test_a_final_learning_rate_that_is_none_is_refused(final):
    with pytest.raises(ImagingError, match=r"schedule\.final is .*; expected a number, from 0 to 1"):
        rates({"name": "cosine", "final": final}, 10)


def test_sgd_is_plain_gradient_descent():
    w = torch.tensor([3.0], requires_grad=True)
    (w**2).sum().backward()
    OPTIMIZERS.build({"name": "sgd", "lr": 0.1}, parameters=[w]).step()
    assert w.item() == pytest.approx(3.0 - 0.1 * 6.0)
