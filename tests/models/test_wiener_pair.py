"""Networks on two Wiener filters, held to the measurement; with sigma known and estimated."""

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.wiener_pair import STRENGTH, WienerPair
from imaging.physics import Blur, make_psf

DIGIT = {"name": "digit"}


def small(**settings) -> WienerPair:
    return WienerPair(DIGIT, **{"hidden_channels": 4, "levels": 2} | settings)


def images(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def noisy(sigma: float) -> torch.Tensor:
    x = torch.from_numpy(astronaut()[:256, :256].copy()).permute(2, 0, 1)[None] / 255
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    return Blur(DIGIT)(x) + sigma * noise


def full_transform(size):
    """H of the digit and |f|² at all frequencies, by numpy."""
    centred = np.zeros(size)
    for (i, j), weight in np.ndenumerate(make_psf(DIGIT).numpy()):
        centred[(i - 3) % size[0], (j - 3) % size[1]] = weight
    return np.fft.fft2(centred), np.fft.fftfreq(size[0])[:, None] ** 2 + np.fft.fftfreq(size[1]) ** 2


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("size", [(16, 12), (15, 13)], ids=str)
def test_deconvolve_is_the_closed_form_with_full_complex_transforms(size, around):
    y, sigmas = images(2, 3, *size), torch.tensor([0.01, 0.1]).reshape(2, 1, 1, 1)
    z = images(2, 3, *size).flip(0) if around else None
    transfer, frequencies = full_transform(size)
    found = small().deconvolve(y, sigmas, torch.tensor(STRENGTH), z)
    for n in range(2):
        weight = sigmas[n].item() ** 2 * STRENGTH * frequencies
        numerator = np.conj(transfer) * np.fft.fft2(y[n].numpy())
        if around:
            numerator = numerator + weight * np.fft.fft2(z[n].numpy())
        expected = np.fft.ifft2(numerator / (np.abs(transfer) ** 2 + weight)).real
        assert np.allclose(found[n], expected, atol=1e-4)


def test_what_explains_the_measurement_is_left_alone():
    x = images(1, 3, 16, 16)
    y = Blur(DIGIT)(x)
    left = small().deconvolve(y, torch.full((1, 1, 1, 1), 0.05), torch.tensor(STRENGTH), x)
    assert torch.allclose(left, x, atol=1e-5)


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_every_stage_is_trained(stages):
    model = small(stages=stages)
    model(images(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.02)).square().mean().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    assert len(model.log_trust) == len(model.networks) == stages


@pytest.mark.parametrize("sigma", [0.005, 0.01, 0.05, 0.2])
def test_the_noise_of_a_blurred_photograph_is_found(sigma):
    assert small().noise_level(noisy(sigma)).item() == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("sigma", [0.005, 0.02, 0.1])
def test_the_noise_is_found_where_the_blur_does_not_go_round_the_border(sigma):
    y = noisy(sigma)[..., 8:-8, 12:-20]  # of other heights and widths than the blurred image
    assert small().noise_level(y, periodic=False).item() == pytest.approx(sigma, rel=0.05)
    assert small().noise_level(noisy(sigma), periodic=False).item() == pytest.approx(sigma, rel=0.05)


def test_without_sigma_it_takes_its_own_estimate():
    model, y = small(), noisy(0.02)
    assert torch.equal(model(y), model(y, model.noise_level(y)))
    assert not torch.allclose(model(y), model(y, torch.full((1, 1, 1, 1), 0.1)))


def test_what_is_shifted_round_the_border_is_restored_shifted():
    model, y, sigma = small(levels=1), images(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.02)
    shifted = model(y.roll((5, 3), (-2, -1)), sigma)
    assert torch.allclose(shifted, model(y, sigma).roll((5, 3), (-2, -1)), atol=1e-5)


def test_first_weights_depend_on_the_seed_alone():
    first, same, other = small(seed=3).state_dict(), small(seed=3).state_dict(), small(seed=4).state_dict()
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first if key.startswith("networks"))
    one, two = (f"networks.{stage}.encoder.1.0.weight" for stage in (0, 1))
    assert not torch.equal(first[one], first[two])


def test_no_noise_is_no_division_by_zero():
    model, y = small(), images(1, 3, 16, 16)
    assert torch.isfinite(model(y, torch.zeros(1, 1, 1, 1))).all()
    assert torch.isfinite(model(torch.full_like(y, 0.5))).all()


def test_no_stage_at_all_is_refused():
    with pytest.raises(ImagingError, match=r"^model\.stages is 0; expected a whole number, at least 1$"):
        build_model({"name": "wiener_pair", "psf": DIGIT, "stages": 0})
