"""What a network offers beside its function, and what it is taken for otherwise."""

import torch
from torch import nn

from imaging.models import MODELS, build_model
from imaging.models.network import ATTRIBUTES, Network, complete


class Half(nn.Module):
    homogeneous = True

    def forward(self, y):
        return y / 2


def test_what_a_network_does_not_say_has_its_default():
    network = complete(Half())
    assert network.homogeneous
    for name in ATTRIBUTES:
        if name != "homogeneous":
            assert getattr(network, name) == getattr(Network, name)
    assert not hasattr(Half, "takes_sigma")  # the class is as it was
    assert torch.equal(network(torch.ones(1, 1, 2, 2)), torch.full((1, 1, 2, 2), 0.5))


def test_every_registered_network_has_all_of_them():
    settings = {
        "wiener_front_end": {"wiener": {"psf": {"name": "digit"}}, "network": {"name": "identity"}},
        "admm": {"operator": {"name": "mosaic"}, "prior": {"name": "total_variation"}},
        "hqs": {"operator": {"name": "mosaic"}, "prior": {"name": "total_variation"}},
        "biharmonic": {"mask": {"rows": [1, 2]}},
        "preview": {"operator": {"name": "mosaic"}},
        "preview_front_end": {"operator": {"name": "mosaic"}, "network": {"name": "identity"}},
    }
    for name in MODELS.names():
        psf = {"psf": {"name": "digit"}} if "psf" in MODELS.parameters(name) else {}
        network = build_model({"name": name, **psf, **settings.get(name, {})})
        assert all(hasattr(network, offer) for offer in ATTRIBUTES)
