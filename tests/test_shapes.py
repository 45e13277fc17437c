"""Annotated shapes are checked in the tests."""

import pytest
import torch

from imaging.metrics import psnr
from imaging.models import build_model
from imaging.physics import Identity


def test_a_wrong_shape_is_noticed():
    with pytest.raises(TypeError):
        Identity()(torch.rand(3, 8, 8))
    with pytest.raises(TypeError):
        build_model({"name": "dncnn"})(torch.rand(3, 8, 8))
    with pytest.raises(TypeError):
        psnr(torch.zeros(8, 8), torch.zeros(8, 8))


def test_a_result_of_another_shape_is_noticed():
    network = build_model({"name": "dncnn", "hidden_channels": 4})
    network.net = torch.nn.AvgPool2d(1, 1, ceil_mode=True)
    network(torch.rand(1, 3, 8, 8))
    network.net = torch.nn.Upsample((8, 1))
    with pytest.raises(TypeError):
        network(torch.rand(1, 3, 1, 8))
