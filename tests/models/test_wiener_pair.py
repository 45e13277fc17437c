"""The U-Net on two Wiener filters, with sigma known and estimated."""

import numpy as np
import pytest
import torch

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.wiener_pair import STRENGTH, WienerPair
from imaging.physics import make_psf

DIGIT = {"name": "digit"}


def small(**settings) -> WienerPair:
    return WienerPair(DIGIT, **{"hidden_channels": 4, "levels": 2} | settings)


def images(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(16, 12), (15, 13)], ids=str)
def test_its_filters_are_the_closed_form_with_full_complex_transforms(size):
    y, sigmas = images(2, 3, *size), torch.tensor([0.01, 0.1]).reshape(2, 1, 1, 1)
    centred = np.zeros(size)
    for (i, j), weight in np.ndenumerate(make_psf(DIGIT).numpy()):
        centred[(i - 3) % size[0], (j - 3) % size[1]] = weight
    transfer = np.fft.fft2(centred)
    frequencies = np.fft.fftfreq(size[0])[:, None] ** 2 + np.fft.fftfreq(size[1]) ** 2
    for view, strength in zip(small().filtered(y, sigmas), (STRENGTH, STRENGTH / 10), strict=True):
        for n in range(2):
            inverse = np.conj(transfer) / (
                np.abs(transfer) ** 2 + sigmas[n].item() ** 2 * strength * frequencies
            )
            expected = np.fft.ifft2(inverse * np.fft.fft2(y[n].numpy())).real
            assert np.allclose(view[n].detach(), expected, atol=1e-4)


def test_estimated_is_known_with_the_estimate():
    from imaging.models.noise_level import noise_level

    y = images(2, 3, 24, 24)
    assert torch.allclose(small(sigma="estimated")(y), small(sigma="known")(y, noise_level(y)))


def test_what_is_shifted_round_the_border_is_restored_shifted():
    model, y, sigma = small(levels=1), images(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.02)
    shifted = model(y.roll((5, 3), (-2, -1)), sigma)
    assert torch.allclose(shifted, model(y, sigma).roll((5, 3), (-2, -1)), atol=1e-5)


def test_the_strengths_are_trained():
    model = small()
    model(images(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.02)).square().mean().backward()
    assert model.log_strength.grad.abs().min() > 0


def test_no_noise_is_no_division_by_zero():
    model, y = small(), images(1, 3, 16, 16)
    assert torch.isfinite(model(y, torch.zeros(1, 1, 1, 1))).all()
    assert torch.isfinite(small(sigma="estimated")(torch.full_like(y, 0.5))).all()


def test_another_word_for_sigma_is_refused():
    with pytest.raises(ImagingError, match=r"^model\.sigma is 'unknown'; expected 'known' or 'estimated'$"):
        build_model({"name": "wiener_pair", "psf": DIGIT, "sigma": "unknown"})
