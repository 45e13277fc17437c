"""Take no more threads than the machine, a container's quota or a cluster's job allows."""

import os

import torch

from imaging.machine import available_cores


def limit_threads() -> None:
    """Limit torch's threads to `available_cores`, unless OMP_NUM_THREADS is set.

    By default torch takes a thread for each core of the machine; with a quota they would wait for each other.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(torch.get_num_threads(), available_cores()))
