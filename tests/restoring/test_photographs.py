"""Files of several pages and of floating-point numbers are restored as what they are."""

import numpy as np
import pytest
import tifffile
import torch

import imaging
import imaging.images.reading
from imaging.errors import ImagingError
from imaging.randomness import generator

STACK = (0.5 + 0.1 * torch.randn(3, 40, 33, generator=generator(0, "stack"))).numpy()


@pytest.fixture(scope="module")
def denoiser():
    return imaging.load("denoiser-32", "cpu")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_each_page_is_restored(kind, denoiser, tmp_path):
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[kind]
    stack = (STACK * top).round().astype(kind) if top > 1 else STACK - 0.55  # partly below 0
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    lines = denoiser.file(tmp_path / "a.tif", tmp_path / "b.tif", error=tmp_path / "e.npy").splitlines()
    assert [line.split(":")[0] for line in lines[1:4]] == ["  page 1", "  page 2", "  page 3"]
    assert all("noise estimated at sigma 0." in line and "expected PSNR" in line for line in lines[1:4])
    restored = tifffile.imread(tmp_path / "b.tif")
    assert (restored.dtype, restored.shape) == (kind, stack.shape)
    for page, result in zip(stack, restored, strict=True):
        x_hat = denoiser(torch.from_numpy(page[None].astype(np.float32) / top))[0].numpy() * top
        expected = x_hat if kind is np.float32 else x_hat.round().clip(0, top)
        assert np.abs(result - expected).max() <= (1e-6 if kind is np.float32 else 1)
    assert np.load(tmp_path / "e.npy").shape == (3, 40, 33)


def test_pages_need_files_that_can_hold_them(denoiser, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack")
    with pytest.raises(ImagingError, match=r"a\.tif has several pages: the output is .*b\.png, expected a "):
        denoiser.file(tmp_path / "a.tif", tmp_path / "b.png")
    with pytest.raises(ImagingError, match=r"has several pages: the error map is .*e\.png, expected a \.npy"):
        denoiser.file(tmp_path / "a.tif", tmp_path / "b.tif", error=tmp_path / "e.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_floating_point_numbers_in_a_png_become_16_bits_which_is_told(denoiser, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0])
    line = denoiser.file(tmp_path / "a.tif", tmp_path / "b.png")
    assert "png files have 16 bits per sample: 32 bits are rounded to 16" in line
    denoiser.file(tmp_path / "a.tif", tmp_path / "b.tif")
    floats = tifffile.imread(tmp_path / "b.tif")
    assert np.abs(imaging.images.reading.read_pixels(tmp_path / "b.png")[0].numpy() - floats).max() < 1e-5
