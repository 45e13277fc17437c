"""Tasks: the Lightning modules. They hold no physics and no layers; networks and operators never see them."""

from imaging.registry import Registry

TASKS = Registry("task", "imaging.tasks")
OPTIMIZERS = Registry("optimizer", "imaging.tasks")
SCHEDULES = Registry("schedule", "imaging.tasks")
LOSSES = Registry("loss", "imaging.tasks")


def build_task(config: dict):
    """The task that a run's composed config describes, with a freshly initialised network.

    Args:
        config: plain data with `task`, `loss`, `model`, `physics`, `optimizer`, `schedule` and `seed`.

    Raises:
        ImagingError: a name or a setting that does not exist, or a value out of range.
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
