"""From a checkpoint back to a network."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.formats.loading import load_task
from imaging.tasks import build_task
from tests.untrained import untrained

CONFIG = untrained({"name": "dncnn", "channels": 1, "depth": 3, "hidden_channels": 4}, seed=3)


def checkpoint(**model) -> dict:
    weights = build_task(CONFIG).state_dict()
    return {"config": CONFIG | {"model": CONFIG["model"] | model}, "state_dict": weights}


def test_the_network_comes_back():
    y = torch.rand(1, 1, 9, 9)
    task, config = load_task(checkpoint(seed=99), "a.ckpt")
    assert config["model"]["seed"] == 99
    assert torch.equal(task.restore(y), build_task(CONFIG).restore(y))


@pytest.mark.parametrize("other", [{"hidden_channels": 5}, {"depth": 4}, {"bias": False}])
def test_weights_of_another_architecture_are_refused_in_one_line(other):
    with pytest.raises(ImagingError, match=r"^a\.ckpt does not match its config: network\S+ is .+$"):
        load_task(checkpoint(**other), "a.ckpt")


def test_a_stranger_cannot_name_a_class():
    with pytest.raises(ImagingError, match=r"unknown model 'os\.system'"):
        load_task(checkpoint(name="os.system"), "a.ckpt")


def test_a_file_of_plain_tensors_is_not_a_checkpoint():
    with pytest.raises(ImagingError, match="has no config in it"):
        load_task({"state_dict": {}}, "a.ckpt")
