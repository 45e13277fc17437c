"""The baselines without learning: against scikit-image called by hand, closed forms and symmetries."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data, restoration

from imaging.models import MODELS, build_model
from imaging.models.noise_level import noise_level
from imaging.physics.operators.blur import Blur
from imaging.randomness import generator

PSF = {"name": "gaussian", "sigma": 1.2}


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    """(1, 3, 64, 80), in [0, 1]."""
    image = data.astronaut()[100:164, 150:230]
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def noisy(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return x + sigma * torch.randn(x.shape, generator=generator("classical", sigma))


def mse(a, b) -> float:
    return float(((a - b) ** 2).mean())


def array(y: torch.Tensor) -> np.ndarray:
    return y[0].permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize("name", ["total_variation", "wavelet", "non_local_means"])
def test_a_denoiser_removes_noise_and_takes_images_as_they_come(name, photograph):
    y = noisy(photograph, 0.1)
    model = build_model({"name": name})
    restored = model(y)
    assert restored.shape == y.shape
    assert restored.dtype == torch.float32
    assert mse(restored, photograph) < mse(y, photograph) / 2
    # Each image alone, gray as well as colour, and in any units.
    assert torch.allclose(model(torch.cat([y, 0.5 * y]))[:1], restored, atol=1e-6)
    assert torch.allclose(model(2 * y + 3), 2 * restored + 3, atol=1e-3)
    assert model(y[:, :1]).shape == (1, 1, 64, 80)


def test_total_variation_is_chambolles_with_the_strength_in_units_of_the_noise(photograph):
    y = noisy(photograph, 0.1)
    model = build_model({"name": "total_variation"})
    model.strength.fill_(0.7)
    weight = 0.7 * noise_level(y).item()
    expected = restoration.denoise_tv_chambolle(array(y), weight=weight, channel_axis=-1)
    np.testing.assert_allclose(array(model(y)), expected, atol=1e-6)


def test_a_strength_is_in_the_checkpoint():
    model = build_model({"name": "wavelet"})
    model.strength.fill_(1.25)
    again = build_model({"name": "wavelet"})
    again.load_state_dict(model.state_dict())
    assert again.strength.item() == 1.25


def test_biharmonic_keeps_what_is_known_and_continues_a_plane():
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(10.0), indexing="ij")
    x = (0.03 * rows + 0.05 * columns + 0.1)[None, None]
    model = build_model({"name": "biharmonic", "mask": {"name": "mask", "rows": [4, 6]}})
    y = x.clone()
    y[..., 4:7, :] = 0
    restored = model(y)
    assert torch.equal(restored[..., :4, :], x[..., :4, :])
    assert torch.equal(restored[..., 7:, :], x[..., 7:, :])
    # It knows nothing beyond the borders, where it is off by a per cent of the plane's range.
    torch.testing.assert_close(restored, x, atol=0.02, rtol=0)
    torch.testing.assert_close(restored[..., 3:-3], x[..., 3:-3], atol=5e-3, rtol=0)


@pytest.mark.parametrize("name", ["wiener_prior", "unsupervised_wiener", "richardson_lucy"])
def test_an_inverse_sharpens_what_was_blurred(name, photograph):
    blur = Blur(PSF)
    y = noisy(blur(photograph), 0.005)
    model = build_model({"name": name, "psf": PSF})
    restored = model(y)
    assert restored.shape == y.shape
    assert mse(restored, photograph) < 0.8 * mse(y, photograph)
    assert torch.equal(model(y), restored)


@pytest.mark.parametrize("name", ["wiener_prior", "richardson_lucy"])
def test_an_inverse_of_circular_blur_moves_with_the_image(name, photograph):
    y = Blur(PSF)(photograph)
    model = build_model({"name": name, "psf": PSF})
    moved = model(y.roll((7, 11), (-2, -1)))
    torch.testing.assert_close(moved, model(y).roll((7, 11), (-2, -1)), atol=2e-3, rtol=0)


def test_richardson_lucy_is_its_own_formula_on_the_torus(photograph):
    y = Blur(PSF)(photograph)[:, :1].double()
    model = build_model({"name": "richardson_lucy", "psf": PSF})
    model.strength.fill_(3)
    x = np.full(y.shape[-2:], 0.5)
    measured = y[0, 0].numpy()
    for _ in range(3):
        ratio = measured / ndimage.convolve(x, model.psf, mode="wrap")
        x = x * ndimage.convolve(ratio, model.psf[::-1, ::-1], mode="wrap")
    np.testing.assert_allclose(model(y)[0, 0].numpy(), x, atol=1e-3)


@pytest.mark.parametrize("size", [(8, 8), (7, 8), (6, 7), (4, 2), (1, 2)], ids=str)
def test_richardson_lucy_has_the_centre_of_the_operator_for_every_size(size, photograph, tmp_path):
    """Its iterations against those with the operator and its adjoint, for a psf without symmetry."""
    np.save(tmp_path / "psf.npy", np.random.default_rng(0).random(size))
    psf = {"name": "image", "path": str(tmp_path / "psf.npy")}
    blur = Blur(psf)
    y = blur(0.05 + 0.9 * photograph.double())
    model = build_model({"name": "richardson_lucy", "psf": psf})
    model.strength.fill_(3)
    x = torch.full_like(y, 0.5)
    for _ in range(3):
        x = x * blur.adjoint(y / blur(x))
    torch.testing.assert_close(model(y), x.float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["richardson_lucy", "unsupervised_wiener", "wiener_prior", "wiener"])
def test_a_method_restores_as_well_with_even_as_with_odd_psfs(name, photograph):
    errors = []
    for size in (7, 8):
        psf = {"name": "gaussian", "sigma": 1.2, "size": size}
        y = noisy(Blur(psf)(photograph), 0.005)
        errors.append(mse(build_model({"name": name, "psf": psf})(y), photograph))
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_wiener_prior_is_its_formula(photograph):
    y = Blur(PSF)(photograph).double()
    model = build_model({"name": "wiener_prior", "psf": PSF})
    model.strength.fill_(0.05)
    psf, height, width = model.psf.double().numpy(), 64, 80
    centred = np.zeros((height, width))
    centred[: psf.shape[0], : psf.shape[1]] = psf
    centred = np.roll(centred, [-(side // 2) for side in psf.shape], (0, 1))
    transfer = np.fft.fft2(centred)
    squared = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width) ** 2
    gain = transfer.conj() / (np.abs(transfer) ** 2 + 0.05 * squared)
    expected = np.fft.ifft2(np.fft.fft2(y.numpy()) * gain).real
    np.testing.assert_allclose(model(y).numpy(), expected, atol=1e-10)


def test_all_that_have_a_strength_have_candidates_for_it():
    for name in ("total_variation", "wavelet", "non_local_means", "richardson_lucy", "wiener_prior"):
        settings = {"psf": PSF} if name in ("richardson_lucy", "wiener_prior") else {}
        model = MODELS.build({"name": name, **settings})
        assert model.strength.item() == pytest.approx(
            min(model.candidates, key=lambda c: abs(c - model.strength.item()))
        )
