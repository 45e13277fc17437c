"""Build a task with its trained weights from a checkpoint."""

from imaging.errors import ImagingError
from imaging.runs.config import upgrade_config
from imaging.tasks import build_task
from imaging.tasks.reconstruction import Reconstruction


def load_task(checkpoint: dict, path) -> tuple[Reconstruction, dict]:
    """Build the task of a checkpoint, with its weights.

    Args:
        checkpoint: with `config`, the run's resolved config, and `state_dict`.
        path: of the checkpoint, for messages.

    Returns:
        The task in evaluation mode, and the run's config.

    Raises:
        ImagingError: not a checkpoint of this project, or its weights do not match its config.
    """
    if not {"config", "state_dict"} <= checkpoint.keys():
        raise ImagingError(f"{path} is not a checkpoint of this project: it has no config in it")
    config = upgrade_config(checkpoint["config"])
    try:
        task = build_task(config)
    except ImagingError as error:
        if not config["imports"]:
            raise
        modules = ", ".join(map(str, config["imports"]))
        raise ImagingError(
            f"{error}; {path} was trained with modules that a file may not import: give imports=[{modules}] "
            "(for restore and export: --import), or import them first"
        ) from None
    weights, own = checkpoint["state_dict"], task.state_dict()
    for key in sorted(weights.keys() | own.keys()):
        shape, expected = (tuple(w[key].shape) if key in w else "missing" for w in (weights, own))
        if shape != expected:
            raise ImagingError(
                f"{path} does not match its config: {key} is {shape} in the file and {expected} in the model"
            )
    task.load_state_dict(weights)
    return task.eval(), config
