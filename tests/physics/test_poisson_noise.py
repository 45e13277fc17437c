"""Shot noise, and shot noise with read noise."""

import pytest
import scipy.stats
import torch

from imaging.errors import ImagingError
from imaging.physics import NOISES, GaussianNoise, PoissonGaussianNoise, PoissonNoise
from imaging.randomness import generator

NOISE = {"gaussian": {"sigma": 0.1}, "poisson": {"peak": 40}, "poisson_gaussian": {"peak": 40, "read": 0.05}}
INTENSITIES = (0.0, 0.05, 0.5, 1.0)


def rng(*keys):
    return generator(0, "poisson", *keys)


@pytest.mark.parametrize("intensity", INTENSITIES)
def test_counts_have_the_moments_of_a_poisson_distribution(intensity):
    counts = 40 * PoissonNoise(40)(torch.full((1, 3, 256, 256), intensity), rng(intensity)).double()
    assert torch.allclose(counts, counts.round(), atol=1e-4)
    mean, variance, skew, kurtosis = scipy.stats.poisson.stats(40 * intensity, moments="mvsk")
    n = counts.numel()
    assert counts.mean().item() == pytest.approx(mean, abs=5 * (variance / n) ** 0.5)
    assert counts.var().item() == pytest.approx(variance, rel=0.03)
    if intensity:
        found = scipy.stats.describe(counts.flatten().numpy())
        assert found.skewness == pytest.approx(skew, abs=0.03)
        assert found.kurtosis == pytest.approx(kurtosis, abs=0.06)


@pytest.mark.parametrize("intensity", INTENSITIES)
@pytest.mark.parametrize("name", NOISE)
def test_the_variance_is_the_stated_one(name, intensity):
    noise, clean = NOISES.build({"name": name, **NOISE[name]}), torch.full((1, 3, 256, 256), intensity)
    stated = noise.variance(clean, noise.typical_level)
    assert noise(clean, rng(name)).var().item() == pytest.approx(stated.mean().item(), rel=0.03)
    assert (stated == stated[0, 0, 0, 0]).all()


def test_electrons_are_added_to_the_counts():
    counted, read = PoissonNoise(40), PoissonGaussianNoise(40, read=0.05)
    clean = torch.full((1, 1, 256, 256), 0.3)
    electrons = read(clean, rng()) - counted(clean, rng())  # of the same photons
    assert electrons.std().item() == pytest.approx(0.05, rel=0.02)
    assert scipy.stats.kstest(electrons.flatten().numpy()[:5000], scipy.stats.norm(0, 0.05).cdf).pvalue > 0.01


def test_negative_intensities_have_no_photons():
    assert torch.equal(PoissonNoise(10)(torch.full((1, 1, 4, 4), -0.2), rng()), torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("name", NOISE)
def test_noise_depends_on_the_generator_alone(name):
    noise, clean = NOISES.build({"name": name, **NOISE[name]}), torch.rand(2, 3, 8, 8)
    torch.manual_seed(0)
    first = noise(clean, rng(1))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(noise(clean.contiguous(memory_format=torch.channels_last), rng(1)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(noise(clean, rng(2)), first)


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("ranks", [2, 4])
def test_each_rank_has_its_part_of_the_batchs_noise(name, ranks):
    level = {"gaussian": {"sigma": [0.1, 0.2]}}.get(name, {"peak": [10, 1000]})
    noise, clean = NOISES.build({"name": name, **NOISE[name], **level}), torch.rand(8, 1, 8, 8)
    whole = noise(clean, rng())
    for rank in range(ranks):
        assert torch.equal(noise(clean[rank::ranks], rng(), shard=(rank, ranks)), whole[rank::ranks])


@pytest.mark.parametrize("name", NOISE)
def test_what_is_drawn_ahead_is_the_noise(name):
    noise, clean = NOISES.build({"name": name, **NOISE[name]}), torch.rand(1, 3, 8, 8)
    level = noise.typical_level
    ahead = noise.draw_ahead((3, 8, 8), rng())
    assert torch.equal(noise(clean, ahead, level), noise(clean, rng(), level))


@pytest.mark.parametrize("name", NOISE)
def test_dtype_is_kept_and_levels_differ_from_image_to_image(name):
    noise = NOISES.build({"name": name, **NOISE[name]})
    clean = torch.full((2, 1, 64, 64), 0.5, dtype=torch.float64)
    levels = noise.typical_level * torch.tensor([1.0, 4.0]).reshape(2, 1, 1, 1)
    y = noise(clean, rng(), levels)
    assert y.dtype == torch.float64
    expected = noise.sigma(levels).flatten().double()
    assert torch.allclose(y.std(dim=(1, 2, 3)), expected, rtol=0.05)


def test_a_mean_over_many_draws_is_the_image():
    clean = torch.linspace(0, 1, 16).expand(4000, 1, 1, 16)
    assert torch.allclose(PoissonNoise(20)(clean, rng()).mean(0), clean[0], atol=5 * (1 / 20 / 4000) ** 0.5)


@pytest.mark.parametrize("peak", [0, [0, 10], -1, "100", None, [10, 1]], ids=str)
def test_wrong_peak(peak):
    with pytest.raises(ImagingError, match=r"physics\.noise\.peak is ") as error:
        PoissonNoise(peak)
    assert "\n" not in str(error.value)


def test_only_gaussian_noise_can_be_silent():
    assert GaussianNoise(0).is_silent()
    assert not PoissonNoise(1e9).is_silent()
    assert not PoissonNoise(10).is_silent(5)
