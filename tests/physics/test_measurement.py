"""y = A x + n."""

import pytest
import torch

from imaging.errors import ImagingError
from imaging.physics import Blur, GaussianNoise, Mask, Physics, build_physics
from imaging.randomness import generator

BLUR = {"name": "blur", "psf": {"name": "digit"}}


def test_is_the_operator_and_then_the_noise():
    physics = build_physics({"operator": BLUR, "noise": {"sigma": 0.05}})
    x = torch.rand(2, 3, 16, 16)
    y = physics(x, generator(0, "noise"))
    n = GaussianNoise(0.05)(torch.zeros_like(x), generator(0, "noise"))
    assert torch.allclose(y, Blur(BLUR["psf"])(x) + n, atol=1e-6)


def test_noise_falls_on_lost_pixels_too():
    physics = build_physics({"operator": {"name": "mask", "rows": [0, 3]}, "noise": {"sigma": 0.1}})
    y = physics(torch.ones(1, 1, 8, 64), generator(0))
    assert y[:, :, :4].std().item() == pytest.approx(0.1, rel=0.2)
    assert y[:, :, :4].mean().item() == pytest.approx(0, abs=0.03)


def test_sigma_can_be_overridden():
    physics = build_physics({"operator": {"name": "identity"}, "noise": {"sigma": [0.1, 0.2]}})
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(physics(x, generator(0), level=0), x)


def test_how_sigma_is_drawn_comes_from_the_config():
    noise = {"sigma": [0.01, 0.16], "draw": "log_uniform"}
    physics = build_physics({"operator": {"name": "identity"}, "noise": noise})
    assert physics.noise.typical_level == pytest.approx(0.04)


def test_noise_is_a_replaceable_object():
    class Offset(torch.nn.Module):
        def forward(self, x, generator, level=None, shard=(0, 1)):
            return x + 1

    y = Physics(Mask(rows=[0, 0]), Offset())(torch.ones(1, 1, 2, 1), generator(0))
    assert y.flatten().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"operator": BLUR}, "physics needs the setting 'noise'"),
        ({"noise": {"sigma": 0.1}}, "physics needs the setting 'operator'"),
        (
            {"operator": BLUR, "noise": {"sigma": 0.1}, "nose": 1},
            r"no setting 'nose' \(did you mean 'noise'",
        ),
        ({"operator": BLUR, "noise": {"sgma": 0.1}}, "physics.noise 'gaussian' has no setting 'sgma'"),
        (
            {"operator": BLUR, "noise": {"sigma": 0.1, "drew": 1}},
            r"no setting 'drew' \(did you mean 'draw'\?\); it has: sigma, draw",
        ),
        ({"operator": BLUR, "noise": {"sigma": -0.1}}, "physics.noise.sigma is -0.1"),
        ({"operator": BLUR, "noise": 0.1}, "physics.noise is 0.1; expected a mapping"),
        (
            {"operator": "blur", "noise": {"sigma": 0.1}},
            "physics.operator is 'blur'; expected a mapping",
        ),
        (
            {"operator": {"name": "blurr"}, "noise": {"sigma": 0.1}},
            "unknown physics.operator 'blurr'",
        ),
        (
            {
                "operator": {"name": "blur", "psf": {"name": "dot"}},
                "noise": {"sigma": 0.1},
            },
            "unknown psf 'dot'",
        ),
    ],
)
def test_wrong_config(config, message):
    with pytest.raises(ImagingError, match=message) as error:
        build_physics(config)
    assert "\n" not in str(error.value)


def test_levels_of_images_replace_a_sigma_of_0():
    physics = build_physics({"operator": {"name": "identity"}, "noise": {"sigma": 0.0}})
    levels = torch.tensor([0.0, 0.1])[:, None, None, None]
    n = physics(torch.zeros(2, 1, 64, 64), generator(0), level=levels)
    assert n[0].count_nonzero() == 0
    assert n[1].std().item() == pytest.approx(0.1, rel=0.05)
