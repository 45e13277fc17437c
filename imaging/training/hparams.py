"""TensorBoard's HParams tab: the hyper-parameters and the final metrics of each run of a sweep."""

import re
from pathlib import Path

from omegaconf import OmegaConf

from imaging.errors import ImagingError
from imaging.runs.names import swept_keys
from imaging.runs.record import SWEEP_RECORD, read_record
from imaging.settings import short_names

ABSENT = object()


class HParams:
    """Declare a run's hyper-parameters and metrics at its start, and write the metrics at its end.

    All runs of a sweep must declare the same keys, or TensorBoard omits columns. They are declared at the
    start, so that the table has a run that fails, too.

    Args:
        board: the run's `TensorBoardLogger`.
        parameters: hyper-parameters by name.
        metrics: names of the final metrics.
    """

    def __init__(self, board, parameters: dict, metrics: list[str]):
        from torch.utils.tensorboard.summary import hparams

        self.board, self.metrics = board, metrics
        experiment, start, self.end = hparams(parameters, dict.fromkeys(metrics))
        for summary in (experiment, start):
            board.experiment.file_writer.add_summary(summary)

    def conclude(self, values: dict[str, float], step: int) -> None:
        """Write the final metrics as scalars at `step`."""
        for name in self.metrics:
            if name in values:
                self.board.experiment.add_scalar(name, values[name], step)
        self.board.experiment.file_writer.add_summary(self.end)
        self.board.save()


def varied_settings(directory: Path, settings: dict) -> dict:
    """The hyper-parameters of a run: model, seed, and the settings that its sweep varies, by short names.

    Args:
        directory: of the run.
        settings: the run's config.

    Returns:
        Plain values; only model and seed if the sweep's record is damaged.
    """
    values = {"model": settings["model"]["name"], "seed": settings["seed"]}
    sweep = directory.absolute().parent
    if (sweep / SWEEP_RECORD).is_file():
        try:
            hydra = read_record(sweep).hydra
        except ImagingError:
            return values  # a missing column in TensorBoard must not stop a training
        swept = swept_keys(hydra.sweeper.get("params"), hydra.overrides.task)
        keys = [re.sub(r"^[+~]+", "", key) for key in swept]
        for key, name in short_names(keys, reserved=values.keys() - set(keys)).items():
            value = OmegaConf.select(OmegaConf.create(settings), key, default=ABSENT)
            if value is ABSENT:
                continue  # a group of other groups, such as `experiment`, is not a setting
            if OmegaConf.is_dict(value):
                value = value.get("name", str(value))
            values[name] = value if isinstance(value, bool | int | float) else str(value)
    return values
