"""Blurred images of unknown borders, told their psf: in batches, with gradients, and with doubts told."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut
from test_restorer import PAIR, restorer

import imaging
from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.physics import Blur
from imaging.restoring import deconvolution
from imaging.restoring.restorer import Restorer
from imaging.tasks import build_task
from tests.untrained import BLUR, untrained

MOTION = {"name": "motion", "length": 7, "angle": 30}
UNET = {"name": "unet", "hidden_channels": 4, "levels": 2}


@pytest.fixture(autouse=True)
def quiet():
    """An untrained network explains nothing; what is tested here is what it is given."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "blurred again|.*far outside")
        yield


@pytest.fixture
def deconvolver():
    return restorer(model=PAIR, physics=BLUR)


@pytest.fixture(scope="module")
def trained():
    return imaging.load("deconvolver-wiener-pair", "cpu")


def photograph():
    return torch.from_numpy(astronaut()[:160, 150:310].copy()).permute(2, 0, 1) / 255


def blurred(psf, sigma=0.01, boundary="valid", image=None):
    """A blurred noisy photograph, and what it shows, (3, H, W)."""
    blur = Blur(psf, boundary)
    x = (photograph() if image is None else image)[None]
    y = blur(x)
    y = y + sigma * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    return y[0], blur.visible(x)[0]


def test_the_psf_of_a_call_is_that_of_a_network_loaded_with_it(deconvolver):
    physics = {"operator": {"name": "blur", "psf": MOTION}, "noise": BLUR["noise"]}
    y, told = torch.rand(3, 40, 40), restorer(model=PAIR | {"psf": MOTION}, physics=physics)
    assert torch.equal(deconvolver(y, 0.02, psf=MOTION), told(y, 0.02))
    assert torch.equal(deconvolver(y, 0.02, psf=Blur(MOTION).psf), told(y, 0.02))
    assert not torch.allclose(deconvolver(y, 0.02), told(y, 0.02), atol=1e-3)


def test_a_psf_may_be_a_file(deconvolver, tmp_path):
    np.save(tmp_path / "psf.npy", Blur(MOTION).psf.numpy())
    y, psf = torch.rand(3, 40, 40), {"name": "image", "path": str(tmp_path / "psf.npy")}
    assert torch.allclose(deconvolver(y, 0.02, psf=psf), deconvolver(y, 0.02, psf=MOTION), atol=1e-5)


def test_borders_are_unknown_unless_they_are_said_to_be_circular(trained):
    digit = {"name": "digit"}
    (photo, seen), (periodic, x) = blurred(digit), blurred(digit, boundary="circular")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = trained(photo, 0.01)
        assert psnr(restored[None], seen[None]) > psnr(photo[None], seen[None]) + 6
        assert torch.equal(restored, trained(photo, 0.01, boundary="unknown"))
        circular = trained(periodic, 0.01, boundary="circular")
    assert torch.equal(circular, trained.task.restore(periodic[None], 0.01)[0])
    assert psnr(circular[None], x[None]) > psnr(periodic[None], x[None]) + 6
    rings = trained(photo, 0.01, boundary="circular")
    assert psnr(rings[None], seen[None]) < psnr(restored[None], seen[None]) - 3


def test_a_large_photograph_is_restored_in_tiles_as_well_as_whole(trained, monkeypatch):
    digit, sides = {"name": "digit"}, []
    y, seen = blurred(digit)
    whole, restore = trained(y, 0.01), trained.task.restore
    monkeypatch.setattr(deconvolution, "LARGE", 64)
    monkeypatch.setattr(deconvolution, "OVERLAP", 16)
    monkeypatch.setattr(
        trained.task, "restore", lambda y, *others: sides.append(max(y.shape[-2:])) or restore(y, *others)
    )
    tiles = trained(y, 0.01)
    assert trained.doubts == []
    assert len(sides) == 9
    assert max(sides) == 64 + 2 * (16 + 7)
    assert psnr(tiles[None], seen[None]) > psnr(whole[None], seen[None]) - 0.5
    assert trained(y[None].expand(2, -1, -1, -1), 0.01).shape == (2, *y.shape)
    trained(y, 0.01, boundary="circular")
    assert sides[-1] == max(y.shape[-2:])  # which cannot be cut


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_batch_is_restored_as_its_images_alone(deconvolver, channels, dtype):
    y = torch.rand(3, channels, 30, 34)
    y = (255 * y).to(torch.uint8) if dtype == torch.uint8 else y
    sigma = torch.tensor([0.01, 0.02, 0.1])
    for one in (deconvolver, restorer(), restorer(channels=1)):
        told = sigma if one is deconvolver else None
        together = one(y, told)
        assert together.shape == y.shape
        for n in range(3):
            alone = one(y[n], None if told is None else told[n].item())
            assert torch.allclose(together[n], alone, atol=1e-5)
    estimated = deconvolver(y)
    assert torch.allclose(estimated[1], deconvolver(y[1]), atol=1e-5)


@pytest.mark.parametrize("model", [PAIR, None], ids=["deconvolver", "denoiser"])
def test_the_result_can_be_differentiated_if_asked(model):
    one = restorer(model=model, physics=BLUR) if model else restorer()
    sigma = 0.02 if model else None
    y, direction = torch.rand(3, 24, 24), torch.randn(3, 24, 24)
    assert not one(y, sigma).requires_grad
    assert not any(p.grad is not None for p in one.task.parameters())
    asked = y.clone().requires_grad_()
    x_hat = one(asked, sigma)
    assert torch.allclose(x_hat.detach(), one(y, sigma), atol=1e-6)
    (x_hat * direction).sum().backward()
    step = 1e-2
    slope = ((one(y + step * direction, sigma) - one(y - step * direction, sigma)) * direction).sum() / (
        2 * step
    )
    assert (asked.grad * direction).sum().item() == pytest.approx(slope.item(), rel=0.02)
    with torch.no_grad():
        assert not one(asked, sigma).requires_grad


def test_an_argument_without_effect_is_refused_or_told(deconvolver):
    y = torch.rand(3, 40, 40)
    with pytest.warns(UserWarning, match="this network does not take sigma: 0.1 has no effect"):
        restorer()(y, sigma=0.1)
    with pytest.raises(
        ImagingError, match=r"psf is for a network that is told the blur.*dncnn, knows that of"
    ):
        restorer()(y, psf=MOTION)
    with pytest.raises(
        ImagingError, match=r"psf is for a network that is told the blur.*unet, knows that of"
    ):
        restorer(model=UNET, physics=BLUR)(y, psf=MOTION)
    with pytest.raises(ImagingError, match="boundary is for deconvolution; this network inverts identity"):
        restorer()(y, boundary="circular")
    with pytest.raises(ImagingError, match=r"boundary is 'reflect'; expected unknown or circular"):
        deconvolver(y, boundary="reflect")
    with pytest.raises(ImagingError, match=r"sigma is tensor\(\[0\.1.*expected a number from 0 to 1"):
        deconvolver(y, sigma=torch.tensor([0.1, 0.2]))


def test_a_network_that_is_not_told_the_blur_may_be_told_the_borders():
    one, y = restorer(model=UNET, physics=BLUR), torch.rand(3, 40, 44)
    assert torch.equal(one(y, boundary="circular"), one.task.restore(y[None])[0])
    assert not torch.allclose(one(y), one(y, boundary="circular"), atol=1e-4)


def test_each_image_of_a_batch_may_have_its_own_psf(deconvolver):
    y, psfs = torch.rand(2, 3, 70, 72), torch.rand(2, 5, 5)
    for sigma in (0.02, None):
        together = deconvolver(y, sigma, psf=psfs)
        for n in range(2):
            assert torch.allclose(together[n], deconvolver(y[n], sigma, psf=psfs[n]), atol=1e-4)
    gray = restorer(channels=1, model=PAIR | {"channels": 1}, physics=BLUR)
    together = gray(y, 0.02, psf=psfs)
    assert torch.allclose(together[1], gray(y[1], 0.02, psf=psfs[1]), atol=1e-4)
    with pytest.raises(ImagingError, match="psf is 2 kernels for 1 images"):
        deconvolver(y[0], psf=psfs)
    with pytest.raises(ImagingError, match=r"psf is torch.complex64 \(3, 3\); expected real weights"):
        deconvolver(y, psf=torch.ones(3, 3, dtype=torch.complex64))


def test_a_network_that_is_told_the_blur_alone_estimates_the_noise_itself(deconvolver):
    deconvolver.task.network.takes_sigma = False
    y, _ = blurred({"name": "digit"})
    expected = deconvolver.task.restore(y[None], None, Blur({"name": "digit"}, "valid"))
    assert torch.equal(deconvolver(y), Blur({"name": "digit"}, "valid").visible(expected)[0])


def test_weights_are_not_differentiated(deconvolver):
    y = torch.rand(3, 24, 24, requires_grad=True)
    deconvolver(y, 0.02).sum().backward()
    assert not any(parameter.requires_grad for parameter in deconvolver.task.parameters())


def test_a_solver_fills_in_the_lost_pixels_of_any_mask():
    mask, x = {"name": "mask", "rows": [3, 4]}, photograph()[:, :60, :70]
    model = {"name": "admm", "operator": mask, "prior": {"name": "total_variation"}}
    physics, data = {"operator": mask, "noise": {"sigma": 0.0}}, {"source": {"channels": 3}}
    config = untrained(model, physics, data=data, task={"name": "reconstruction"})
    one = Restorer(build_task(config), config)
    one.task.network.strength.fill_(1000.0)  # of a variance of 1e-8
    kept = (torch.rand(60, 70, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    x_hat = one(x * kept, 0.001, mask=kept)
    assert psnr(x_hat[None], x[None]) > psnr((x * kept)[None], x[None]) + 12
    assert torch.equal(one(x * kept + (1 - kept), 0.001, mask=kept), x_hat)  # what is lost has no say
    with pytest.raises(
        ImagingError, match="the noise of the measurements of Mask cannot be estimated: give sigma"
    ):
        one(x * kept, mask=kept)


def test_the_physics_of_the_training_is_at_hand(deconvolver):
    assert isinstance(deconvolver.physics.operator, Blur)
    assert deconvolver.physics.noise.level == "sigma"


class TestDoubts:
    digit = {"name": "digit"}

    def test_a_right_psf_raises_none(self, trained):
        for sigma in (0.005, 0.02):
            y, _ = blurred(self.digit, sigma)
            trained(y, sigma)
            assert trained.doubts == []
            trained(y)
            assert trained.doubts == []

    @pytest.mark.parametrize("wrong", [{"name": "gaussian", "sigma": 2.5}, MOTION | {"length": 12}])
    def test_a_wrong_psf_is_told(self, trained, wrong):
        y, _ = blurred(self.digit)
        with pytest.warns(UserWarning, match="the psf"):
            trained(y, 0.01, psf=wrong)
        assert trained.doubts

    def test_clipped_highlights_are_told(self, trained):
        y, _ = blurred(self.digit, image=(1.8 * photograph()))
        with pytest.warns(UserWarning, match=r"% of the image is clipped at white"):
            trained(y.clamp(0, 1), 0.01)

    def test_they_are_in_the_line_of_a_file(self, trained, tmp_path):
        y, _ = blurred(self.digit)
        pixels = (255 * y.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(tmp_path / "a.png")
        told = trained.file(tmp_path / "a.png", tmp_path / "b.png")
        assert "psf may be wrong" not in told
        wrong = imaging.load("deconvolver-wiener-pair", "cpu", psf={"name": "gaussian", "sigma": 3.0})
        assert "psf may be wrong" in wrong.file(tmp_path / "a.png", tmp_path / "c.png")


def any_blur(psf=None):
    operator = {"name": "random_blur", "side": 7, "psf": MOTION}
    physics = {"operator": operator, "noise": BLUR["noise"]}
    one = restorer(model=PAIR, physics=physics)
    one.has_psf = psf is not None
    return one


def test_a_network_for_any_blur_has_to_be_told_which():
    y = torch.rand(3, 40, 40)
    with pytest.raises(ImagingError, match="restores any blur, and has to be told which: give a psf"):
        any_blur()(y, 0.02)
    with pytest.raises(ImagingError, match="has to be told which"):
        imaging.load("deconvolver", "cpu")(y, 0.02)
    assert any_blur()(y, 0.02, psf=MOTION).shape == y.shape
    assert any_blur(MOTION)(y, 0.02).shape == y.shape
    assert imaging.load("deconvolver", "cpu", psf=MOTION).has_psf


def test_a_psf_that_is_far_larger_than_the_picture_is_refused_at_once(deconvolver):
    with pytest.raises(ImagingError, match=r"the psf, 81 x 3 pixels, is more than twice as large"):
        deconvolver(torch.rand(3, 40, 40), psf=torch.full((81, 3), 1 / 243))
