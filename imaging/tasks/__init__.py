"""Tasks: the Lightning modules that train a network on simulated measurements."""

from imaging.registry import Registry

TASKS = Registry("task", "imaging.tasks")
OPTIMIZERS = Registry("optimizer", "imaging.tasks")
SCHEDULES = Registry("schedule", "imaging.tasks")
LOSSES = Registry("loss", "imaging.tasks.losses")


def check_optimizer(config: dict) -> None:
    """Check the settings of a run's optimizer and schedule, which are built when the training begins.

    Raises:
        ImagingError: an unknown name or setting, or a value out of range.
    """
    OPTIMIZERS.check(config["optimizer"], "parameters")
    SCHEDULES.check(config["schedule"], "optimizer", "steps")


def build_task(config: dict):
    """Build the task of a run's config, with a newly initialised network.

    Args:
        config: plain data with `task`, `loss`, `model`, `physics`, `optimizer`, `schedule` and `seed`.

    Raises:
        ImagingError: an unknown name or setting, or a value out of range.
    """
    from imaging.models import build_model
    from imaging.physics.measurement import build_physics

    return TASKS.build(
        config["task"],
        network=build_model(config["model"]),
        physics=build_physics(config["physics"]),
        optimizer=config["optimizer"],
        schedule=config["schedule"],
        loss=LOSSES.build(config["loss"]),
        seed=config["seed"],
    )
