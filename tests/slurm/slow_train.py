"""train.py whose every step takes at least 20 ms, so that a small run lasts long enough to be interrupted."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import time

import train
from imaging.tasks.reconstruction import Reconstruction

fast = Reconstruction.training_step


def slow(*arguments):
    time.sleep(0.02)
    return fast(*arguments)


Reconstruction.training_step = slow

if __name__ == "__main__":
    train.main()
