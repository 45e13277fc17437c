"""Networks whose measurements are not images of the estimate's shape, on photographs."""

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.errors import ImagingError
from imaging.formats.export import export
from imaging.restoring.restorer import Restorer
from imaging.tasks import build_task
from tests.untrained import untrained

DOWNSAMPLING = {"name": "downsampling", "factor": 2}
MOSAIC = {"name": "mosaic"}
SINGLE_PIXEL = {"name": "single_pixel", "size": [16, 16], "measurements": 40}


def restorer(operator, noise=None):
    network = {"name": "dncnn", "hidden_channels": 4, "depth": 3}
    model = {"name": "preview_front_end", "operator": operator, "network": network}
    physics = {"operator": operator, "noise": noise or {"sigma": 0.0}}
    config = untrained(model, physics, data={"source": {"channels": 3}})
    return Restorer(build_task(config), config)


def test_a_photograph_comes_out_with_more_pixels(tmp_path):
    one = restorer(DOWNSAMPLING)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    one.file(tmp_path / "small.png", tmp_path / "large.png")
    y = torch.from_numpy(pixels).permute(2, 0, 1)
    assert one(y).shape == (3, 40, 60)
    with Image.open(tmp_path / "large.png") as image:
        found = np.asarray(image).astype(float)
    assert np.abs(found - 255 * one(y).clamp(0, 1).permute(1, 2, 0).numpy()).max() <= 0.5


def test_raw_samples_come_out_in_colour(tmp_path):
    one = restorer(MOSAIC)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)).save(
        tmp_path / "a.png"
    )
    one.file(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert (image.mode, image.size) == ("RGB", (30, 20))


def test_a_photograph_that_is_no_measurement_is_refused():
    with pytest.raises(ImagingError, match=r"inverts mosaic: .* a gray image; this image has 3 channels"):
        restorer(MOSAIC)(torch.rand(3, 20, 30))
    with pytest.raises(ImagingError, match="inverts single_pixel, whose measurements are not photographs"):
        restorer(SINGLE_PIXEL)(torch.rand(3, 16, 16))


def test_a_photograph_of_a_camera_keeps_its_size():
    one = restorer({"name": "blur", "psf": {"name": "gaussian", "sigma": 1.0}, "boundary": "valid"})
    image = torch.rand(3, 20, 30)
    whole = one.task.restore(image[None])[0]
    assert whole.shape == (3, 26, 36)
    assert torch.equal(one(image), whole[:, 3:-3, 3:-3])


def test_the_trained_noise_is_told_as_a_standard_deviation():
    low, high = restorer({"name": "identity"}, {"name": "poisson", "peak": [50, 200]}).trained_sigmas
    assert (low, high) == pytest.approx(((0.5 / 200) ** 0.5, (0.5 / 50) ** 0.5))


@pytest.mark.parametrize(
    ("operator", "size", "shape"),
    [
        (DOWNSAMPLING, (32, 48), (1, 3, 16, 24)),
        (MOSAIC, (16, 20), (1, 1, 16, 20)),
        (SINGLE_PIXEL, (16, 16), (1, 3, 1, 40)),
    ],
    ids=["downsampling", "mosaic", "single_pixel"],
)
def test_the_exported_network_takes_the_measurements(operator, size, shape, tmp_path, shapes_unchecked):
    task = restorer(operator).task
    line = export(task, 3, tmp_path / "network.pt2", size)
    assert f"takes float32 (1, {shape[1]}, H, W) of {shape[2]}×{shape[3]} pixels" in line
    y = torch.rand(shape)
    x_hat = torch.export.load(tmp_path / "network.pt2").module()(y)
    torch.testing.assert_close(x_hat, task.restore(y), atol=1e-5, rtol=1e-5)
