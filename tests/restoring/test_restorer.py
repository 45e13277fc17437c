"""A trained network on pictures of any size and kind."""

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.errors import ImagingError
from imaging.images.photographs import read_photograph
from imaging.restoring.checks import check_images, read_mask
from imaging.restoring.restorer import Restorer
from imaging.tasks import build_task
from tests.untrained import BLUR, NOISE, untrained

DIGIT = {"name": "digit"}
MASK = {"operator": {"name": "mask", "lost": 0.5}, "noise": {"sigma": 0.0}}
PAIR = {"name": "wiener_pair", "psf": DIGIT, "hidden_channels": 4, "levels": 2}


def restorer(channels=3, model=None, physics=NOISE):
    model = model or {"name": "dncnn", "channels": channels, "hidden_channels": 4, "depth": 3}
    config = untrained(model, physics, data={"source": {"channels": channels}})
    return Restorer(build_task(config), config)


@pytest.mark.parametrize("size", [(20, 31), (700, 40)], ids=str)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_is_the_network_on_an_image_of_its_kind(size, dtype):
    one = restorer()
    image = torch.rand(3, *size)
    image = (255 * image).to(torch.uint8) if dtype == torch.uint8 else image
    y = image[None] / 255 if dtype == torch.uint8 else image[None]
    torch.testing.assert_close(one(image), one.task.restore(y.float())[0], atol=1e-6, rtol=1e-6)


def test_a_colour_network_takes_gray_as_three_equal_channels():
    one, gray = restorer(), torch.rand(1, 20, 30)
    expected = one.task.restore(gray.expand(3, -1, -1)[None])[0].mean(0, keepdim=True)
    assert torch.allclose(one(gray), expected, atol=1e-6)


def test_a_gray_network_takes_each_channel_alone():
    one, image = restorer(channels=1), torch.rand(3, 20, 30)
    for channel, restored in zip(image, one(image), strict=True):
        assert torch.allclose(restored, one.task.restore(channel[None, None])[0, 0], atol=1e-6)


@pytest.mark.parametrize("size", [(64, 80), (1200, 530)], ids=str)
def test_the_noise_is_estimated_from_pieces(size):
    image = 0.5 + 0.07 * torch.randn(3, *size, generator=torch.Generator().manual_seed(0))
    assert restorer().estimate_sigma(image) == pytest.approx(0.07, rel=0.05)
    with pytest.raises(ImagingError, match="cannot be estimated: give sigma"):
        restorer().estimate_sigma(image[..., :4])


def test_a_deconvolver_is_told_the_noise_or_estimates_it():
    one = restorer(model=PAIR, physics=BLUR)
    image = 0.5 + 0.03 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    told, estimated = one(image, sigma=one.estimate_sigma(image)), one(image)
    assert torch.equal(told, estimated)
    assert not torch.allclose(told, one(image, sigma=0.2), atol=1e-3)
    assert told.shape == image.shape


def test_a_deconvolver_does_not_take_texture_for_noise():
    texture = torch.rand(3, 200, 300, generator=torch.Generator().manual_seed(0))
    one = restorer(model=PAIR, physics=BLUR)
    y = one.task.physics.operator(texture[None])[0, :, 10:-10, 10:-10]
    y = y + 0.01 * torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    assert one.estimate_sigma(y) == pytest.approx(0.01, rel=0.2)
    assert restorer().estimate_sigma(y) > 0.013  # without knowing of the blur


def test_a_blur_larger_than_the_photograph_does_not_hinder_the_estimate():
    wide = {"psf": {"name": "gaussian", "sigma": 1.5, "size": 81}}
    image = 0.5 + 0.07 * torch.randn(3, 70, 70, generator=torch.Generator().manual_seed(0))
    one = restorer(model=PAIR | wide, physics=BLUR | {"operator": {"name": "blur", **wide}})
    assert one.estimate_sigma(image) == restorer().estimate_sigma(image) == pytest.approx(0.07, rel=0.05)
    assert one(image, sigma=np.float32(0.07)).shape == image.shape


def test_an_inpainter_changes_lost_pixels_alone():
    one, image, mask = restorer(physics=MASK), torch.rand(3, 20, 30), torch.rand(20, 30) > 0.3
    restored = one(image, mask=mask.float())
    assert torch.equal(restored[:, mask], image[:, mask])
    other = torch.where(mask, image, torch.rand(3, 20, 30))
    assert torch.equal(one(other, mask=mask.float()), restored)  # what is lost has no say
    with pytest.raises(ImagingError, match="the mask is 20 x 29, but the image is 20 x 30"):
        one(image, mask=torch.ones(20, 29))


def test_a_mask_is_for_inpainters():
    with pytest.raises(ImagingError, match="mask is for a network that inpaints"):
        restorer()(torch.rand(3, 8, 8), mask=torch.ones(8, 8))


class TestFiles:
    @pytest.fixture
    def photo(self, tmp_path):
        random = np.random.default_rng(0)
        path = tmp_path / "photo.png"
        noisy = 128 + 25.5 * random.standard_normal((60, 80, 3))
        Image.fromarray(noisy.round().astype(np.uint8)).save(path)
        return path

    def test_the_estimate_is_told_and_a_given_sigma_is_not(self, photo, tmp_path):
        told = restorer().file(photo, tmp_path / "a.png")
        assert "noise estimated at sigma 0.1" in told
        told = restorer().file(photo, tmp_path / "b.png", sigma=0.1)
        assert "estimated" not in told
        assert "this network does not take sigma: 0.1 has no effect" in told
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

    def test_noise_beyond_the_training_is_told(self, photo, tmp_path):
        quiet = NOISE | {"noise": {"sigma": [0.005, 0.01]}}
        told = restorer(physics=quiet).file(photo, tmp_path / "a.png")
        assert "the network was trained on sigma 0.005 to 0.01: the result may be worse" in told
        free = {"name": "dncnn", "hidden_channels": 4, "depth": 3, "bias": False}  # homogeneous
        loud = NOISE | {"noise": {"sigma": 0.05}}
        assert "may be worse" in restorer(physics=loud).file(photo, tmp_path / "b.png")
        assert "may be worse" not in restorer(model=free, physics=loud).file(photo, tmp_path / "c.png")

    def test_bits_are_kept_where_the_format_has_them(self, tmp_path):
        deep = np.random.default_rng(0).integers(0, 65536, (30, 40), dtype=np.uint16)
        Image.fromarray(deep).save(tmp_path / "deep.png")
        restorer(channels=1).file(tmp_path / "deep.png", tmp_path / "out.png")
        assert read_photograph(tmp_path / "out.png").bits == 16
        told = restorer(channels=1).file(tmp_path / "deep.png", tmp_path / "out.jpg")
        assert "jpg files have 8 bits per sample" in told

    def test_the_input_is_not_overwritten(self, photo):
        before = photo.read_bytes()
        with pytest.raises(ImagingError, match="output is the image itself"):
            restorer().file(photo, photo.parent / "." / "photo.png")
        assert photo.read_bytes() == before


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_mask_is_read_as_it_is_meant_also_after_jpeg(suffix, tmp_path):
    lost = np.zeros((40, 48), bool)
    lost[8:24, 16:40] = True
    Image.fromarray(np.where(lost, 0, 255).astype(np.uint8)).save(tmp_path / f"mask{suffix}", quality=60)
    assert np.array_equal(read_mask(tmp_path / f"mask{suffix}").numpy() == 0, lost)
    Image.new("L", (4, 4)).save(tmp_path / "black.png")
    with pytest.raises(ImagingError, match="is black; expected 0 only where"):
        read_mask(tmp_path / "black.png")


def test_an_inpainter_without_a_mask_changes_nothing_and_says_so(tmp_path):
    Image.new("RGB", (20, 20), (90, 90, 90)).save(tmp_path / "a.png")
    with pytest.raises(ImagingError, match="this network fills in lost pixels: give a mask"):
        restorer(physics=MASK).file(tmp_path / "a.png", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_a_tiny_image_needs_no_estimate_where_the_network_needs_none(tmp_path):
    Image.new("RGB", (3, 2), (90, 90, 90)).save(tmp_path / "a.png")
    assert "estimated" not in restorer().file(tmp_path / "a.png", tmp_path / "b.png")


@pytest.mark.parametrize("sigma", [-0.1, 25, float("nan"), "a", True])
def test_a_sigma_that_is_none_is_refused(sigma, tmp_path):
    Image.new("RGB", (8, 8), (90, 90, 90)).save(tmp_path / "a.png")
    with pytest.raises(ImagingError, match=r"sigma is .*; expected a number from 0 to 1"):
        restorer()(torch.rand(3, 8, 8), sigma=sigma)
    with pytest.raises(ImagingError, match=r"sigma is .*; expected a number from 0 to 1"):
        restorer().file(tmp_path / "a.png", tmp_path / "b.png", sigma=sigma)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 8, 8)),
        torch.rand(8, 8),
        torch.rand(2, 8, 8),
        torch.rand(1, 2, 8, 8),
        torch.rand(1, 1, 3, 8, 8),
        torch.zeros(3, 8, 0),
        torch.ones(3, 8, 8).int(),
    ],
    ids=lambda image: f"{tuple(image.shape)} {image.dtype}",
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ImagingError, match="expected"):
        restorer()(image)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (torch.full((3, 8, 8), 120.0), "intensities around 120: divide by"),
        (torch.tensor([[[0.1, float("nan")]]]), "nan or infinite"),
        (torch.tensor([[[0.1, float("inf")]]]), "nan or infinite"),
        (torch.full((1, 8, 8), 6e4, dtype=torch.float16), "intensities around 6"),
    ],
)
def test_floats_of_another_range_are_refused(y, words):
    with pytest.raises(ImagingError, match=rf"expected uint8 or floats in \[0, 1\]; got .*{words}"):
        check_images(y)
    noisy = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) + 1
    assert check_images(noisy) is noisy
