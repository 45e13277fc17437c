"""Networks behind the operator's own estimate, for measurements that do not look like images."""

import pytest
import torch
import torch.nn.functional as F

from imaging.models import build_model
from imaging.physics import OPERATORS

DIGIT = {"psf": {"name": "digit"}}
OPERATORS_OF_28 = {
    "downsampling": {"name": "downsampling", "factor": 2},
    "mosaic": {"name": "mosaic"},
    "single_pixel": {"name": "single_pixel", "measurements": 50},
    "valid": {"name": "blur", "psf": {"name": "gaussian", "sigma": 1.0}, "boundary": "valid"},
}


@pytest.mark.parametrize("config", OPERATORS_OF_28.values(), ids=OPERATORS_OF_28)
def test_the_preview_is_the_estimate_and_the_networks_input(config):
    operator, x = OPERATORS.build(config), torch.rand(2, 3, 28, 28)
    y = operator(x)
    assert torch.equal(build_model({"name": "preview", "operator": config})(y), operator.preview(y))
    inner = {"name": "dncnn", "hidden_channels": 4, "depth": 3}
    network = build_model({"name": "preview_front_end", "operator": config, "network": inner})
    assert network(y).shape == x.shape
    assert torch.equal(network(y), network.network(operator.preview(y)))
    assert network.state_dict().keys() == {f"network.{key}" for key in build_model(inner).state_dict()}


def test_the_preview_of_fewer_pixels_is_bicubic_interpolation():
    operator = OPERATORS.build({"name": "downsampling", "factor": 4})
    y = torch.rand(1, 3, 8, 12)
    expected = F.interpolate(y, size=(32, 48), mode="bicubic", align_corners=False)
    torch.testing.assert_close(operator.preview(y), expected)


def test_the_preview_lies_where_the_image_lies():
    """Of a smooth image, every preview is near to it, also at the borders."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 28), torch.linspace(0, 1, 28), indexing="ij")
    x = (0.2 + 0.3 * rows + 0.4 * columns).repeat(1, 3, 1, 1)
    for name in ("downsampling", "mosaic", "valid"):
        operator = OPERATORS.build(OPERATORS_OF_28[name])
        error = (operator.preview(operator(x)) - x).abs()
        assert error[..., 5:-5, 5:-5].max() < 0.005
        assert error[..., 3:-3, 3:-3].mean() < 0.02


def test_sigma_goes_through():
    pair = {"name": "wiener_pair", "psf": {"name": "digit"}, "hidden_channels": 4, "levels": 2}
    network = build_model({"name": "preview_front_end", "operator": {"name": "identity"}, "network": pair})
    assert network.takes_sigma
    y, sigma = torch.rand(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.01)
    assert torch.equal(network(y, sigma), network.network(y, sigma))


@pytest.mark.parametrize("front_end", ["preview_front_end", "wiener_front_end"])
def test_what_the_network_offers_is_offered(front_end):
    """A strength to be chosen, sigma, and the course of a solver."""
    first = {"operator": {"name": "identity"}} if front_end == "preview_front_end" else {"wiener": DIGIT}

    def behind(**network):
        return build_model({"name": front_end, **first, "network": network})

    one, alone = behind(name="total_variation"), build_model({"name": "total_variation"})
    assert one.candidates == alone.candidates
    one.strength.fill_(0.5)
    assert one.network.strength.item() == 0.5
    solver = behind(
        name="admm", operator={"name": "identity"}, prior={"name": "total_variation"}, iterations=3
    )
    assert solver.takes_sigma
    assert solver(torch.rand(1, 1, 16, 16), torch.full((1, 1, 1, 1), 0.1)).shape == (1, 1, 16, 16)
    assert len(solver.trace) == 3
