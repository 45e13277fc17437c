"""Networks on two Wiener filters, held to the measurement; with sigma known and estimated."""

import pytest
import torch
from skimage.data import astronaut

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.models import build_model
from imaging.models.wiener_pair import WienerPair
from imaging.physics import Blur, make_psf

DIGIT = {"name": "digit"}


def small(psf=DIGIT, **settings) -> WienerPair:
    return WienerPair(psf, **{"hidden_channels": 4, "levels": 2} | settings)


def images(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def noisy(sigma: float) -> torch.Tensor:
    x = torch.from_numpy(astronaut()[:256, :256].copy()).permute(2, 0, 1)[None] / 255
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    return Blur(DIGIT)(x) + sigma * noise


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
    valid = Blur(DIGIT, "valid")
    assert small().noise_level(y, valid).item() == pytest.approx(sigma, rel=0.05)
    assert small().noise_level(noisy(sigma), valid).item() == pytest.approx(sigma, rel=0.05)
    assert small(boundary="valid").noise_level(y).item() == pytest.approx(sigma, rel=0.05)


def test_each_image_of_a_batch_may_have_its_own_blur():
    psfs = torch.stack([make_psf({"name": "gaussian", "sigma": s, "size": 7}) for s in (0.8, 1.5)])
    x, sigma = images(2, 3, 24, 26), torch.tensor([0.01, 0.05]).reshape(2, 1, 1, 1)
    for boundary in ("circular", "valid"):
        y, model = Blur(psfs, boundary)(x), small(sigma_map=True)
        together = model(y, sigma, Blur(psfs, boundary))
        assert together.shape == x.shape
        for n in range(2):
            alone = model(y[n : n + 1], sigma[n : n + 1], Blur(psfs[n], boundary))
            assert torch.allclose(together[n : n + 1], alone, atol=1e-4)
        levels = model.noise_level(y, Blur(psfs, boundary))
        assert torch.allclose(levels[:1], model.noise_level(y[:1], Blur(psfs[0], boundary)))


def test_the_blur_of_a_call_replaces_that_of_the_settings():
    other, y, sigma = {"name": "box", "size": 3}, images(1, 3, 24, 24), torch.full((1, 1, 1, 1), 0.02)
    told, own = small()(y, sigma, Blur(other)), small(psf=other)(y, sigma)
    assert torch.equal(told, own)
    assert not torch.allclose(told, small()(y, sigma), atol=1e-2)


def test_a_photograph_is_restored_to_its_borders_as_well_as_a_periodic_image():
    """With the networks' changes at 0 it is the Wiener estimate, for unknown and for circular borders."""
    blur, x = {"name": "motion", "length": 9, "angle": 30}, noisy(0.0)
    model, sigma = small(psf=blur, stages=1), torch.full((1, 1, 1, 1), 0.01)
    torch.nn.init.zeros_(model.networks[0].last.weight)
    torch.nn.init.zeros_(model.networks[0].last.bias)
    noise = 0.01 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    circular, valid = Blur(blur), Blur(blur, "valid")
    expected = psnr(valid.visible(model(circular(x) + noise, sigma)), valid.visible(x))
    y = valid(x) + valid.visible(noise)
    found = psnr(valid.visible(model(y, sigma, valid)), valid.visible(x))
    ignored = psnr(model(y, sigma, circular), valid.visible(x))  # as if the photograph were periodic
    assert found > expected - 0.3
    assert ignored < expected - 3


def test_sigma_is_seen_by_a_network_with_a_map_of_it():
    model, y = small(sigma_map=True, stages=1), images(1, 3, 16, 16)
    assert model.networks[0].encoder[0][0].in_channels == 10
    views = []
    model.networks[0].register_forward_pre_hook(lambda module, inputs: views.append(inputs[0]))
    model(y, torch.full((1, 1, 1, 1), 0.03))
    assert torch.equal(views[0][:, 9:], torch.full((1, 1, 16, 16), 0.03))


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
    with pytest.raises(
        ImagingError, match=r"^model\.stages is 0; expected a whole number, from 1 to 2147483647$"
    ):
        build_model({"name": "wiener_pair", "psf": DIGIT, "stages": 0})
