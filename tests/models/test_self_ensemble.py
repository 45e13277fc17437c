"""The mean over the square's eight symmetries."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.models.dncnn import DnCNN
from imaging.models.self_ensemble import SelfEnsemble
from imaging.models.unet import UNet

NETWORK = DnCNN(channels=1, depth=3, hidden_channels=4)


@pytest.mark.parametrize("size", [(9, 9), (6, 11)], ids=str)
def test_it_treats_an_image_as_its_mirrored_and_turned_ones(size):
    ensemble, y = SelfEnsemble(NETWORK), torch.rand(2, 1, *size)
    restored = ensemble(y)
    for transformed in (lambda image: image.flip(-1), lambda image: image.rot90(1, (-2, -1))):
        assert torch.allclose(ensemble(transformed(y)), transformed(restored), atol=1e-6)
        assert not torch.allclose(NETWORK(transformed(y)), transformed(NETWORK(y)), atol=1e-4)


def test_of_a_map_that_knows_no_direction_it_is_that_map():
    y = torch.rand(1, 1, 7, 8)
    assert torch.allclose(SelfEnsemble(torch.nn.Tanh())(y), y.tanh(), atol=1e-6)


def test_its_receptive_field_is_the_networks():
    assert (SelfEnsemble(NETWORK).reach, SelfEnsemble(NETWORK).homogeneous) == (3, False)


def test_it_is_for_denoisers():
    assert SelfEnsemble.of(NETWORK, "identity").network is NETWORK
    with pytest.raises(ImagingError, match="self_ensemble is for denoisers; this network inverts a blur"):
        SelfEnsemble.of(NETWORK, "blur")


def test_a_network_of_coarser_pixels_takes_an_image_whole():
    assert SelfEnsemble(UNet(channels=1, hidden_channels=4, levels=3)).reach is None
