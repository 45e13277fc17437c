"""TensorBoard's HParams tab: each run of a sweep with what it varied and its final numbers."""

import re
from pathlib import Path

from omegaconf import OmegaConf

from imaging.errors import ImagingError
from imaging.runs.names import swept
from imaging.runs.record import SWEEP_RECORD, read_record
from imaging.settings import short_names

ABSENT = object()


class HParams:
    """Declares a run's hyper-parameters and metrics at its start, and tells the values at its end.

    All runs of a sweep must declare the same keys, or TensorBoard leaves columns out; and a run that fails
    must have declared them too, or it is not in the table.

    Args:
        board: the run's `TensorBoardLogger`.
        parameters: what was varied, by name.
        metrics: names of the numbers that there will be at the end.
    """

    def __init__(self, board, parameters: dict, metrics: list[str]):
        from torch.utils.tensorboard.summary import hparams

        self.board, self.metrics = board, metrics
        experiment, start, self.end = hparams(parameters, dict.fromkeys(metrics))
        for summary in (experiment, start):
            board.experiment.file_writer.add_summary(summary)

    def conclude(self, values: dict[str, float], step: int) -> None:
        """Write the final numbers, as scalars after `step` steps."""
        for name in self.metrics:
            if name in values:
                self.board.experiment.add_scalar(name, values[name], step)
        self.board.experiment.file_writer.add_summary(self.end)
        self.board.save()


def varied_settings(directory: Path, settings: dict) -> dict:
    """The model, the seed, and what the sweep varied that a run is a job of; plain values by short names.

    Args:
        directory: of the run.
        settings: the run's config.

    Returns:
        without what the sweep varied if the sweep's record is damaged.
    """
    values = {"model": settings["model"]["name"], "seed": settings["seed"]}
    sweep = directory.absolute().parent
    if (sweep / SWEEP_RECORD).is_file():
        try:
            hydra = read_record(sweep).hydra
        except ImagingError:
            return values  # a training is worth more than a column in TensorBoard
        keys = [
            re.sub(r"^[+~]+", "", key) for key in swept(hydra.sweeper.get("params"), hydra.overrides.task)
        ]
        for key, name in short_names(keys, reserved=values.keys() - set(keys)).items():
            value = OmegaConf.select(OmegaConf.create(settings), key, default=ABSENT)
            if value is ABSENT:
                continue  # a group that puts others together, as `experiment`, is no setting of the run's
            if OmegaConf.is_dict(value):
                value = value.get("name", str(value))
            values[name] = value if isinstance(value, bool | int | float) else str(value)
    return values
