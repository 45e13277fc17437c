"""Stopping rules, on status files as a sweep has them."""

from types import SimpleNamespace

import pytest

from imaging.files import write_json, write_text
from imaging.runs.run import Pruned, Run
from imaging.runs.status import read_status
from imaging.training.callbacks.pruning import pruning, values_at
from imaging.training.settings import TrainerSettings


@pytest.fixture
def sweep(tmp_path):
    """Three jobs with 20, 22 and 30 dB after ten steps; one of them has gone further."""
    write_text(tmp_path / "multirun.yaml", "")
    curves = [{"10": 20.0}, {"10": 22.0, "20": 25.0}, {"10": 30.0}]
    for number, curve in enumerate(curves):
        (tmp_path / str(number)).mkdir()
        write_json(tmp_path / str(number) / "status.json", {"state": "running", "validation": curve})
    return tmp_path


def validate(run: Run, values: dict, after: int = 10, others: int = 3, rule: str = "median") -> None:
    """Tell a run's validations in turn, as the training does."""
    (callback,) = pruning(run, TrainerSettings(prune_after=after, prune_others=others, prune_rule=rule))
    for step, value in values.items():
        run.add_validation(step, value)
        state = SimpleNamespace(fn="fit")
        trainer = SimpleNamespace(global_step=step, state=state, world_size=1, max_steps=100)
        callback.on_validation_end(trainer, None)


def test_the_values_of_the_others(sweep):
    assert sorted(values_at(10, sweep / "0")) == [22.0, 30.0]
    assert sorted(values_at(10, sweep / "new")) == [20.0, 22.0, 30.0]
    assert values_at(20, sweep / "new") == [25.0]
    (sweep / "multirun.yaml").unlink()
    assert values_at(10, sweep / "new") == []  # not a sweep: runs that happen to lie side by side


def test_a_run_below_the_median_is_stopped_and_says_so(sweep):
    run = Run(sweep / "new", {})
    with run.watched():
        validate(run, {10: 21.9})
    assert run.pruned
    assert read_status(sweep / "new")["state"] == "pruned"
    assert read_status(sweep / "new")["error"] == (
        "21.90 dB after 10 steps, the median of 3 others is 22.00 dB"
    )


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ({10: 22.0}, {}),  # the median itself
        ({5: 23.0, 10: 21.0}, {}),  # its best is what counts
        ({10: 1.0}, {"after": 11}),
        ({10: 1.0}, {"others": 4}),
        ({20: 1.0}, {}),  # only one other has come so far
        ({100: 1.0}, {"others": 1}),  # the last step: it may as well be tested
    ],
)
def test_others_are_not(values, settings, sweep):
    validate(Run(sweep / "new", {}), values, **settings)


def test_stopping_is_an_exception(sweep):
    with pytest.raises(Pruned):
        validate(Run(sweep / "new", {}), {10: 1.0})


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({10: 30.1}, None),  # the best of four, of which one is kept
        ({10: 29.9}, "29.90 dB after 10 steps, 1 of 3 others are better"),
        ({5: 1.0, 10: 31.0, 20: 1.0}, None),  # not looked at: between the steps 10 and 30
        ({10: 31.0, 20: 1.0, 30: 1.0}, None),  # none has come so far
        ({20: 24.0}, "24.00 dB after 20 steps, 1 of 1 others are better"),  # the first validation from 10 on
        ({10: 31.0, 40: 30.0}, "30.00 dB after 40 steps, 3 of 9 others are better"),
        ({10: 31.0, 40: 30.6}, None),  # the third best of ten, of which three are kept
        ({10: float("nan")}, "-inf dB after 10 steps, 3 of 3 others are better"),
        ({100: 1.0}, None),  # the last step
    ],
)
def test_successive_halving_keeps_the_best_third_of_those_that_came_as_far(values, error, sweep):
    for number in range(9):
        (sweep / f"far-{number}").mkdir()
        curve = {"state": "completed", "validation": {"40": 24.5 + number}}
        write_json(sweep / f"far-{number}" / "status.json", curve)
    run = Run(sweep / "new", {})
    with run.watched():
        validate(run, values, rule="halving")
    assert read_status(sweep / "new")["error"] == error


def test_no_rule_is_asked_for(sweep):
    assert pruning(Run(sweep / "new", {}), TrainerSettings()) == []
