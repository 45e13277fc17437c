"""From a checkpoint's plain data back to a task with its trained weights."""

from imaging.errors import ImagingError
from imaging.runs.config import current
from imaging.tasks import build_task
from imaging.tasks.reconstruction import Reconstruction


def load_task(checkpoint: dict, path) -> tuple[Reconstruction, dict]:
    """The task that a checkpoint describes, with its weights, in evaluation mode; and the run's config.

    Args:
        checkpoint: with `config`, the run's resolved config, and `state_dict`.
        path: where it came from, for messages.

    Raises:
        ImagingError: not a checkpoint of this project, or its weights do not fit its config.
    """
    if not {"config", "state_dict"} <= checkpoint.keys():
        raise ImagingError(f"{path} is not a checkpoint of this project: it has no config in it")
    config = current(checkpoint["config"])
    try:
        task = build_task(config)
    except ImagingError as error:
        if not config["imports"]:
            raise
        modules = ", ".join(map(str, config["imports"]))
        raise ImagingError(
            f"{error}; {path} was trained with modules that a file may not import: give imports=[{modules}], "
            f"for restore and export --import, or import them before"
        ) from None
    weights, own = checkpoint["state_dict"], task.state_dict()
    for key in sorted(weights.keys() | own.keys()):
        there, here = (tuple(w[key].shape) if key in w else "nothing" for w in (weights, own))
        if there != here:
            raise ImagingError(
                f"{path} is of another architecture: {key} is {there} in it and {here} in its config's model"
            )
    task.load_state_dict(weights)
    return task.eval(), config
