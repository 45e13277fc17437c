"""What jobs cost: against numbers that are added by hand, and a queue that is played through."""

import random

import pytest

from imaging.sweeps.cost import Cost, makespan, mean, read_cost, shape, write_cost

COST = Cost(
    device="cpu", steps_per_epoch=100, start=0.5, probe=9.0, setup=2.0, step=0.1, validation=3.0,
    checkpoint=0.25, test=7.0, view=1.5, report=4.0, memory=1000, disk=500, records=20,
)  # fmt: skip
TRAINER = {"max_steps": 1000, "max_epochs": -1, "val_check_interval": 300, "checkpoint_every_n_steps": 500}


@pytest.mark.parametrize(
    ("limits", "steps"),
    [
        ({"max_steps": 1000, "max_epochs": -1}, 1000),
        ({"max_steps": -1, "max_epochs": 3}, 300),
        ({"max_steps": 250, "max_epochs": 3}, 250),
        ({"max_steps": 350, "max_epochs": 3}, 300),
        ({"max_steps": 0, "max_epochs": 3}, 0),
    ],
)
def test_a_training_ends_at_the_smaller_of_its_limits(limits, steps):
    assert COST.steps(limits) == steps


def test_a_method_that_is_not_trained_has_no_steps():
    cost = Cost(**{**vars(COST), "steps_per_epoch": 0})
    assert cost.steps(TRAINER) == cost.training(TRAINER) == 0


def test_a_training_has_its_steps_validations_and_checkpoints():
    # 1000 steps; validations at 300, 600, 900, each of which may save best.ckpt; checkpoints at 500, 1000
    assert COST.training(TRAINER) == pytest.approx(1000 * 0.1 + 3 * (3.0 + 0.25) + 2 * 0.25)


def test_a_training_that_resumes_has_what_is_left():
    # from 500: validations at 600 and 900, a checkpoint at 1000
    assert COST.training(TRAINER, done=500) == pytest.approx(500 * 0.1 + 2 * (3.0 + 0.25) + 0.25)


def test_validations_may_have_a_least_distance_in_seconds():
    # 1000 steps take 100 s
    assert COST.validations(TRAINER | {"val_every_seconds": 60}) == 1
    assert COST.validations(TRAINER | {"val_every_seconds": 1}) == 3


def test_a_run_is_tested_once_for_each_draw_of_the_noise():
    config = {"trainer": TRAINER, "test": {"noise_seeds": 5}, "data": {}}
    others = 0.5 + 2.0 + 3.0 + 1.5 + 4.0  # start, setup, the last validation, view, report
    assert COST.whole(config) == pytest.approx(others + COST.training(TRAINER) + 5 * 7.0)
    assert COST.size(config) == 500 + 5 * 20


def test_measured_test_images_are_tested_once():
    config = {"trainer": TRAINER, "test": {"noise_seeds": 5}, "data": {"clean": False}}
    assert COST.size(config) == 500 + 20


def test_without_validation_images_no_best_one_is_saved():
    cost = Cost(**{**vars(COST), "validation": 0.0})
    assert cost.training(TRAINER) == pytest.approx(1000 * 0.1 + 2 * 0.25)


def test_a_cost_survives_its_file(tmp_path):
    assert read_cost(tmp_path) is None
    write_cost(tmp_path, COST)
    assert read_cost(tmp_path) == COST


def test_the_mean_of_costs_has_the_largest_memory():
    other = Cost(**{**vars(COST), "step": 0.3, "memory": 3000})
    both = mean([COST, other])
    assert (both.step, both.memory, both.report) == (pytest.approx(0.2), 3000, 4.0)


def test_runs_of_one_shape_differ_in_seeds_lengths_and_numbers():
    config = {
        "seed": 0, "name": "denoiser", "model": {"name": "dncnn", "hidden_channels": 8},
        "optimizer": {"lr": 1e-3},
        "physics": {"noise": {"sigma": [0.01, 0.1]}}, "trainer": {"max_steps": 100},
        "test": {"sigmas": [0.1, 0.2]},
    }  # fmt: skip

    def changed(**sections) -> dict:
        return {
            key: {**value, **sections[key]} if key in sections else value for key, value in config.items()
        }

    alike = [
        config | {"seed": 1}, config | {"name": "other"}, changed(optimizer={"lr": 1e-4}),
        changed(trainer={"max_steps": 7}),
        changed(physics={"noise": {"sigma": [0.2, 0.3]}}),
    ]  # fmt: skip
    others = [
        changed(model={"hidden_channels": 16}), changed(model={"name": "unet"}),
        changed(test={"sigmas": [0.1]}),
        changed(physics={"noise": {"sigma": 0.1}}), changed(model={"tolerance": 1e-3}),
    ]  # fmt: skip
    assert all(shape(one) == shape(config) for one in alike)
    assert all(shape(one) != shape(config) for one in others)
    assert shape(changed(model={"tolerance": 1e-3})) != shape(changed(model={"tolerance": 1e-6}))


def play(seconds: list[int], slots: int) -> int:
    """The end of a queue, second by second."""
    waiting, running, now = list(seconds), [], 0
    while waiting or running:
        while waiting and len(running) < slots:
            running.append(waiting.pop(0))
        now += 1
        running = [left - 1 for left in running if left > 1]
    return now


@pytest.mark.parametrize("seed", range(20))
def test_the_time_of_a_queue_is_that_of_playing_it_through(seed):
    draw = random.Random(seed)
    seconds, slots = [draw.randint(1, 9) for _ in range(draw.randint(1, 12))], draw.randint(1, 5)
    assert makespan(seconds, slots) == play(seconds, slots)
