"""The seconds of a step and of a validation, by a clock that the training itself moves on."""

import pytest

from imaging.data import build_data
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.training.callbacks import stopwatch
from imaging.training.callbacks.checkpoints import Checkpoints
from imaging.training.callbacks.stopwatch import Stopwatch
from imaging.training.trainer import build_trainer, fit

STEP, VALIDATION, CHECKPOINT = 2.0, 100.0, 30.0  # seconds
TINY = [
    "data.patch_size=16", "data.patches_per_image=8", "data.validation_images=1", "data.batch_size=2",
    "model.hidden_channels=4", "model.depth=2", "trainer.max_epochs=-1", "trainer.log_every_n_steps=100",
]  # fmt: skip


@pytest.fixture
def measured(composed_on_photographs, tmp_path, monkeypatch):
    """Train with the settings, and return the stopwatch of at least so many steps and seconds."""
    clock = [0.0]

    def slow(owner, name: str, seconds: float) -> None:
        before = getattr(owner, name)

        def after(*arguments, **named):
            clock[0] += seconds
            return before(*arguments, **named)

        monkeypatch.setattr(owner, name, after)

    def measured(steps: int, seconds: float, *overrides: str) -> Stopwatch:
        config = composed_on_photographs(*TINY, *overrides)
        run, task, data = Run(tmp_path / "run", config), build_task(config), build_data(config["data"])
        monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: clock[0])
        slow(task, "training_step", STEP)
        slow(task, "validation_step", VALIDATION)
        slow(Checkpoints, "save_last", CHECKPOINT)
        with run.watched():
            trainer, _ = build_trainer(config["trainer"], run)
            (checkpoints,) = (c for c in trainer.callbacks if isinstance(c, Checkpoints))
            watch = Stopwatch(steps, seconds, checkpoints)
            trainer.callbacks.insert(0, watch)
            fit(trainer, task, data, run, None)
        return watch

    return measured


def test_validations_and_checkpoints_are_not_part_of_a_step(measured):
    intervals = ["trainer.val_check_interval=7", "trainer.checkpoint_every_n_steps=10"]
    watch = measured(50, 0.0, "trainer.max_steps=1000", *intervals)
    assert watch.measured >= 50
    assert watch.took == STEP * watch.measured
    assert set(watch.validations) == {VALIDATION}
    assert len(watch.validations) == watch.done // 7 + 1  # and the last one


@pytest.mark.parametrize(("steps", "seconds", "least"), [(20, 0.0, 20), (20, 100.0, 50), (3, 0.0, 3)])
def test_it_stops_after_enough_steps_and_enough_time(measured, steps, seconds, least):
    watch = measured(steps, seconds, "trainer.max_steps=1000")
    assert watch.warm == (watch.warm[1] * STEP, 5)
    assert (watch.measured, watch.done) == (least, least + 5)


def test_a_short_training_is_measured_to_its_end(measured):
    watch = measured(20, 0.0, "trainer.max_steps=6")
    assert (watch.done, watch.measured, watch.took) == (6, 3, 3 * STEP)
