"""train.py whose every step takes at least 20 ms, so that a small run lasts long enough to be interrupted."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from omegaconf import DictConfig

from imaging.commands.frame import command
from imaging.commands.sweep import after_sweep


def train(config: DictConfig) -> float | None:
    # Everything inside: on a node of the cluster this function is a pickle.
    import time

    from imaging.commands.train import train
    from imaging.tasks.reconstruction import Reconstruction

    fast = Reconstruction.training_step

    def slow(*arguments):
        time.sleep(0.02)
        return fast(*arguments)

    Reconstruction.training_step = slow
    return train(config)


if __name__ == "__main__":
    command("train", train, after_sweep)
