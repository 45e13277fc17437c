"""The Wiener filter against closed forms, and in front of a network."""

import numpy as np
import pytest
import skimage.restoration
import torch

from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.models.wiener import Wiener
from imaging.physics import Blur, make_psf

DIGIT = {"name": "digit"}
SIZES = [(16, 12), (15, 13), (7, 8)]


def images(*shape, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("snr", [1.0, 100.0, 1e4])
def test_is_the_closed_form_with_full_complex_transforms(size, snr):
    y = images(2, 3, *size)
    centred = np.zeros(size)
    for (i, j), weight in np.ndenumerate(make_psf(DIGIT).numpy()):
        centred[(i - 3) % size[0], (j - 3) % size[1]] = weight
    transfer = np.fft.fft2(centred)
    spectrum = np.conj(transfer) / (np.abs(transfer) ** 2 + 1 / snr) * np.fft.fft2(y.numpy())
    assert np.allclose(Wiener(DIGIT, snr)(y), np.fft.ifft2(spectrum).real, atol=1e-9)


@pytest.mark.parametrize("size", [(16, 12), (15, 13)], ids=str)
def test_is_scikit_images_filter_with_a_white_prior(size):
    # Its regulariser is the transform of reg, so that the identity delta stands for a white spectrum.
    y = images(1, 1, *size)
    delta = np.zeros((3, 3))
    delta[1, 1] = 1
    psf = make_psf(DIGIT).double().numpy()
    expected = skimage.restoration.wiener(y[0, 0].numpy(), psf, 1 / 100, reg=delta, clip=False)
    assert np.allclose(Wiener(DIGIT, 100.0)(y)[0, 0], expected, atol=1e-9)


def test_undoes_the_blur_when_there_is_no_noise():
    # A Gaussian this narrow has no zeros in its otf.
    psf = {"name": "gaussian", "sigma": 0.5}
    x = images(1, 3, 15, 16)
    assert torch.allclose(Wiener(psf, 1e12)(Blur(psf)(x)), x, atol=1e-6)


def test_no_parameters_and_nothing_in_a_checkpoint():
    model = Wiener(DIGIT)
    model(images(1, 1, 8, 8))
    assert list(model.parameters()) == []
    assert model.state_dict() == {}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_full_precision_under_autocast(dtype):
    model, y = Wiener(DIGIT), images(1, 3, 16, 16, dtype=torch.float32).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        x_hat = model(y)
    assert x_hat.dtype == dtype
    assert torch.equal(x_hat, model(y.float()).to(dtype))


@pytest.mark.parametrize("snr", [0.0, -1.0, float("nan"), float("inf")])
def test_wrong_snr(snr):
    with pytest.raises(ImagingError, match=r"model\.snr is "):
        Wiener(DIGIT, snr)


def test_image_smaller_than_the_psf():
    with pytest.raises(ImagingError, match="smaller than the 7 x 7 psf"):
        Wiener(DIGIT)(images(1, 1, 6, 9))


class TestFrontEnd:
    CONFIG = {
        "name": "wiener_front_end",
        "wiener": {"psf": DIGIT, "snr": 50.0},
        "network": {"name": "unet", "hidden_channels": 4, "padding": "circular"},
    }

    def test_is_the_network_on_the_filters_output(self):
        y = images(1, 3, 17, 16, dtype=torch.float32)
        network = build_model(self.CONFIG["network"])
        assert torch.equal(build_model(self.CONFIG)(y), network(Wiener(DIGIT, 50.0)(y)))

    def test_wraps_any_network(self):
        y = images(1, 1, 9, 9, dtype=torch.float32)
        model = build_model(
            {**self.CONFIG, "network": {"name": "dncnn", "channels": 1, "hidden_channels": 4}}
        )
        assert model(y).shape == y.shape

    def test_checkpoint_holds_the_network_alone(self):
        model = build_model(self.CONFIG)
        assert set(model.state_dict()) == {f"network.{key}" for key in model.network.state_dict()}

    def test_trains_after_a_first_look_in_inference_mode(self):
        model, y = build_model(self.CONFIG), images(1, 3, 16, 16, dtype=torch.float32)
        with torch.inference_mode():
            model(y)
        y.requires_grad_()
        model(y).sum().backward()
        assert all(p.grad is not None for p in [y, *model.parameters()])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"wiener": {"snr": 1.0}}, "model 'wiener' needs the setting 'psf'"),
            ({"wiener": {"psf": DIGIT, "snrr": 1.0}}, "model 'wiener' has no setting 'snrr'"),
            ({"network": {"name": "unett"}}, "unknown model 'unett'"),
            ({"network": "unet"}, "model.network is 'unet'; expected a mapping"),
        ],
    )
    def test_wrong_settings(self, change, message):
        with pytest.raises(ImagingError, match=message):
            build_model({**self.CONFIG, **change})
