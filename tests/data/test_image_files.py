"""Image files of kinds that Pillow reads wrongly or not at all."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from imaging.data.image_files import decoded_bytes, read_image, read_pixels
from imaging.errors import ImagingError

DEEP = np.random.default_rng(0).integers(0, 65536, (4, 5, 7), dtype=np.uint16)


@pytest.mark.parametrize("samples", [2, 3, 4])
def test_a_planar_tiff_of_16_bits_is_read_as_an_interleaved_one(samples, tmp_path):
    colours, alpha = (3 if samples > 2 else 1), (["unassalpha"] if samples != 3 else None)
    settings = {"photometric": "rgb" if colours == 3 else "minisblack", "extrasamples": alpha}
    planes = DEEP[:samples]
    tifffile.imwrite(tmp_path / "planar.tif", planes, planarconfig="separate", **settings)
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(planes, 0, -1), planarconfig="contig", **settings)
    pixels = read_pixels(tmp_path / "planar.tif")
    assert torch.equal(pixels, torch.from_numpy(planes[:colours].astype(np.float32) / np.float32(65535)))
    assert torch.equal(pixels, read_pixels(tmp_path / "a.tif"))


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_a_mode_that_would_lose_its_values_is_refused_whatever_the_suffix(mode, tmp_path):
    Image.new(mode, (6, 5)).save(tmp_path / "a.png", "TIFF")
    with pytest.raises(ImagingError, match=rf"^cannot read the image .*a\.png: mode {mode}; expected"):
        read_image(tmp_path / "a.png")


def test_the_size_in_memory_is_known_from_the_header(tmp_path):
    Image.new("RGB", (7, 5)).save(tmp_path / "colour.jpg")
    Image.new("I;16", (7, 5)).save(tmp_path / "deep.png")
    for name in ("colour.jpg", "deep.png"):
        for channels in (1, 3):
            path = tmp_path / name
            assert decoded_bytes(path, channels) == read_image(path, channels).nbytes


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_file_that_cannot_be_read_takes_no_memory(content, tmp_path):
    """Whoever reads it names it; to measure it is no place for that."""
    (tmp_path / "a.png").write_bytes(content)
    assert decoded_bytes(tmp_path / "a.png", 3) == 0
    assert decoded_bytes(tmp_path / "none.png", 3) == 0
