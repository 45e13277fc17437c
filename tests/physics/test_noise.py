"""Gaussian noise."""

import math

import pytest
import torch
from scipy.integrate import quad

from imaging.errors import ImagingError
from imaging.physics import GaussianNoise
from imaging.randomness import generator


def rng(*keys):
    return generator(0, "test", *keys)


def test_mean_and_standard_deviation():
    x = torch.full((4, 3, 64, 64), 0.5)
    n = GaussianNoise(0.1)(x, rng()) - x
    assert abs(n.mean()) < 4 * 0.1 / math.sqrt(n.numel())
    assert n.std().item() == pytest.approx(0.1, rel=0.02)
    # A Gaussian has kurtosis 3; uniform noise of the same deviation has 1.8.
    assert (n**4).mean().item() / 0.1**4 == pytest.approx(3, rel=0.05)


def test_is_not_clipped():
    y = GaussianNoise(0.5)(torch.ones(1, 1, 32, 32), rng())
    assert y.max() > 1.5
    assert y.min() < 0.5


def test_depends_on_the_generator_alone():
    x = torch.zeros(2, 3, 8, 8)
    torch.manual_seed(0)
    first = GaussianNoise([0.1, 0.2])(x, rng(1))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(GaussianNoise([0.1, 0.2])(x, rng(1)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(GaussianNoise([0.1, 0.2])(x, rng(2)), first)


def test_layout_of_the_image_does_not_change_the_noise():
    x = torch.rand(2, 3, 8, 8)
    y = GaussianNoise(0.1)(x, rng())
    assert torch.equal(GaussianNoise(0.1)(x.contiguous(memory_format=torch.channels_last), rng()), y)


def test_zero_sigma_is_no_noise():
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(GaussianNoise(0)(x, rng()), x)


def test_range_is_uniform_and_one_sigma_per_image():
    sigma = GaussianNoise([0.1, 0.3]).sample_level(2000, rng())
    assert sigma.shape == (2000, 1, 1, 1)
    assert 0.1 <= sigma.min() < 0.105
    assert 0.295 < sigma.max() <= 0.3
    assert sigma.var().item() == pytest.approx(0.2**2 / 12, rel=0.1)
    n = GaussianNoise([0.1, 0.3])(torch.zeros(2000, 1, 32, 32), rng())
    measured = n.std(dim=(1, 2, 3), keepdim=True)
    assert torch.allclose(measured, sigma, rtol=0.12)  # 5 standard errors of 1024 pixels


def test_log_uniform_draws_each_octave_as_often():
    noise = GaussianNoise([0.01, 0.16], draw="log_uniform")
    sigma = noise.sample_level(4000, rng()).flatten()
    assert 0.01 <= sigma.min() < 0.0102
    assert 0.157 < sigma.max() <= 0.16
    octaves = torch.histc(sigma.log2(), 4, math.log2(0.01), math.log2(0.16))
    assert (octaves - 1000).abs().max() < 4 * math.sqrt(4000 * 0.25 * 0.75)
    assert noise.typical_level == pytest.approx(0.04)  # as many are weaker as stronger
    assert GaussianNoise([1e-40, 0.1], draw="log_uniform").sample_level(9, rng()).isfinite().all()


def test_a_power_law_draws_by_its_density():
    """Against scipy's numerical integral of sigma^-1.5."""
    noise = GaussianNoise([0.005, 0.25], draw=1.5)
    sigma = noise.sample_level(20000, rng()).flatten()
    assert 0.005 <= sigma.min() < sigma.max() <= 0.25
    whole = quad(lambda s: s**-1.5, 0.005, 0.25)[0]
    for limit in (0.007, noise.typical_level, 0.03, 0.1):
        expected = quad(lambda s: s**-1.5, 0.005, limit)[0] / whole
        assert (sigma < limit).double().mean() == pytest.approx(expected, abs=0.015)
    expected = quad(lambda s: s**-1.5, 0.005, noise.typical_level)[0] / whole
    assert expected == pytest.approx(0.5)


@pytest.mark.parametrize(("name", "power"), [("uniform", 0), ("log_uniform", 1)])
def test_the_named_draws_are_powers(name, power):
    named, other = (GaussianNoise([0.01, 0.2], draw=draw).sample_level(9, rng()) for draw in (name, power))
    near = GaussianNoise([0.01, 0.2], draw=power + 1e-3).sample_level(9, rng())
    assert torch.equal(named, other)
    torch.testing.assert_close(near, named, rtol=0.01, atol=0)


@pytest.mark.parametrize("draw", [-1, float("nan"), float("inf"), True, None, [1]])
def test_a_draw_that_is_none(draw):
    with pytest.raises(ImagingError, match=r"draw is .*; expected uniform, log_uniform or a number >= 0"):
        GaussianNoise([0.1, 0.2], draw=draw)


def test_wrong_draw():
    with pytest.raises(
        ImagingError, match=r"draw is 'loguniform' \(did you mean 'log_uniform'\?\); expected"
    ):
        GaussianNoise([0.1, 0.2], draw="loguniform")
    with pytest.raises(ImagingError, match=r"log_uniform needs a lowest sigma above 0; sigma is \[0, 0.2\]"):
        GaussianNoise([0, 0.2], draw="log_uniform")


def test_override_replaces_the_range_for_every_image():
    n = GaussianNoise([0.1, 0.3])(torch.zeros(3, 3, 64, 64), rng(), level=0.02)
    assert torch.allclose(n.std(dim=(1, 2, 3)), torch.tensor(0.02), rtol=0.04)


def test_numbers_that_were_drawn_before_are_the_noise_of_unit_variance():
    x, drawn = torch.rand(2, 3, 8, 8, generator=rng("x")), torch.randn(2, 3, 8, 8, generator=rng())
    y = GaussianNoise(0.1)(x, drawn, level=0.2)
    assert torch.equal(y, GaussianNoise(0.1)(x, rng(), level=0.2))
    assert torch.allclose(y - x, 0.2 * drawn, atol=1e-6)


def test_keeps_float64():
    assert GaussianNoise(0.1)(torch.zeros(1, 1, 4, 4, dtype=torch.float64), rng()).dtype == torch.float64


WRONG = [
    -0.1,
    math.nan,
    math.inf,
    [0.2, 0.1],
    [0.1],
    [0.1, 0.2, 0.3],
    [-0.1, 0.1],
    [0.1, math.nan],
    "0.1",
    None,
    25,
    [0, 1.5],
]


@pytest.mark.parametrize("sigma", [*WRONG, True, []], ids=str)
def test_wrong_sigma(sigma):
    with pytest.raises(ImagingError, match=r"physics\.noise\.sigma is ") as error:
        GaussianNoise(sigma)
    assert "\n" not in str(error.value)


def test_wrong_override():
    with pytest.raises(ImagingError, match=r"physics\.noise\.sigma is -1"):
        GaussianNoise(0.1)(torch.zeros(1, 1, 4, 4), rng(), level=-1)
