"""Files keep their bits, their colour profile, their orientation and the camera's notes."""

import io
import struct

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from imaging.errors import ImagingError
from imaging.images.photographs import read_photograph
from imaging.images.reading import read_pixels
from imaging.images.writing import bits_of, write_image

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels(channels, bits, size=(300, 21)):
    random = np.random.default_rng(0)
    return random.integers(0, 2**bits, (channels, *size), dtype={8: np.uint8, 16: np.uint16}[bits])


def notes(orientation=None, maker="Camera"):
    exif = Image.Exif()
    exif[271] = maker
    if orientation:
        exif[274] = orientation
    return exif


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_what_is_written_without_loss_is_read_the_same(channels, bits, suffix, tmp_path):
    written, path = pixels(channels, bits), tmp_path / f"a{suffix}"
    write_image(path, written, PROFILE)
    back = read_photograph(path)
    assert back.bits == bits
    assert back.profile == PROFILE
    scaled = back.pixels.numpy() if bits == 8 else (back.pixels.double() * 65535).round().numpy()
    assert np.array_equal(scaled, written)
    if bits == 16 and suffix == ".tif":  # and by a reader of others
        assert np.array_equal(np.moveaxis(np.atleast_3d(tifffile.imread(path)), -1, 0), written)


def test_others_read_our_16_bit_png(tmp_path):
    """Pillow knows gray ones wholly, and of RGB the high bytes, the profile and the notes."""
    gray, colour = pixels(1, 16), pixels(3, 16)
    belongs = (PROFILE, notes().tobytes())
    write_image(tmp_path / "gray.png", gray, *belongs)
    write_image(tmp_path / "colour.png", colour, *belongs)
    with Image.open(tmp_path / "gray.png") as image:
        assert np.array_equal(np.asarray(image), gray[0])
    with Image.open(tmp_path / "colour.png") as image:
        image.load()
        assert np.array_equal(np.asarray(image), np.moveaxis(colour >> 8, 0, -1))
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif()[271] == "Camera"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_photograph_is_shown_the_same_way(suffix, orientation, tmp_path):
    source, target = tmp_path / f"source{suffix}", tmp_path / f"target{suffix}"
    gradient = np.zeros((24, 40, 3), np.uint8)
    gradient[..., 0], gradient[..., 1] = np.arange(24)[:, None] * 10, np.arange(40) * 6
    Image.fromarray(gradient).save(source, exif=notes(orientation), icc_profile=PROFILE, quality=100)
    photograph = read_photograph(source)
    write_image(target, photograph.pixels.numpy(), photograph.profile, photograph.exif)
    with Image.open(source) as before, Image.open(target) as after:
        shown = [np.asarray(ImageOps.exif_transpose(image)).astype(int) for image in (before, after)]
        assert shown[0].shape == shown[1].shape
        assert abs(shown[0] - shown[1]).mean() < 4
        assert after.info["icc_profile"] == PROFILE
        assert after.getexif()[271] == "Camera"


def test_a_16_bit_colour_tiff_which_pillow_does_not_know_keeps_its_profile(tmp_path):
    path, words = tmp_path / "a.tif", np.moveaxis(pixels(3, 16), 0, -1)
    tags = [(34675, 7, len(PROFILE), PROFILE, True)]
    tifffile.imwrite(path, words, photometric="rgb", extratags=tags)
    assert read_photograph(path).profile == PROFILE


def test_a_tiff_of_16_bits_with_alpha_which_pillow_does_not_open_keeps_its_profile(tmp_path):
    path, tags = tmp_path / "a.tif", [(34675, 7, len(PROFILE), PROFILE, True)]
    words = np.moveaxis(pixels(2, 16), 0, -1)
    tifffile.imwrite(path, words, photometric="minisblack", extrasamples=["unassalpha"], extratags=tags)
    with pytest.raises(UnidentifiedImageError):
        Image.open(path)
    photograph = read_photograph(path)
    assert (photograph.profile, photograph.exif) == (PROFILE, None)
    assert torch.equal((photograph.pixels[0].double() * 65535).round(), torch.from_numpy(words[..., 0] * 1.0))
    tifffile.imwrite(path, words, photometric="minisblack", extrasamples=["unassalpha"])
    assert read_photograph(path).profile is None


def test_notes_that_cannot_be_written_are_left_out(tmp_path):
    """The camera's maker as a fraction, which is text by the standard."""
    entry = struct.pack("<HHII", 271, 5, 1, 26)
    broken = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + bytes(4) + struct.pack("<II", 1, 2)
    Image.new("RGB", (9, 8), "teal").save(tmp_path / "a.jpg", exif=broken, icc_profile=PROFILE)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[271] == 0.5
    photograph = read_photograph(tmp_path / "a.jpg")
    assert (photograph.profile, photograph.exif) == (PROFILE, None)


def test_a_gray_jpeg_stays_gray(tmp_path):
    Image.fromarray(pixels(1, 8)[0]).save(tmp_path / "a.jpg")
    photograph = read_photograph(tmp_path / "a.jpg")
    write_image(tmp_path / "b.jpg", photograph.pixels.numpy(), photograph.profile, photograph.exif)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.mode == "L"


def test_formats_have_the_bits_that_they_have(tmp_path):
    assert [bits_of(tmp_path / name, 16) for name in ("a.jpg", "a.PNG", "a.tiff", "a.webp")] == [8, 16, 16, 8]
    assert bits_of(tmp_path / "a.png", 8) == 8


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", pixels(3, 16))
    before = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr("imaging.images.writing.ROWS", 0)  # fails after the header
    with pytest.raises(ValueError, match="range"):
        write_image(tmp_path / "a.png", pixels(3, 16))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before
    with pytest.raises(ImagingError, match="cannot write"):
        write_image(tmp_path / "a.png" / "b.png", pixels(3, 16))


def test_read_pixels_gives_the_channels_of_the_file(tmp_path):
    for name, mode, channels in (("gray.png", "L", 1), ("colour.png", "RGB", 3), ("alpha.png", "RGBA", 3)):
        buffer = io.BytesIO()
        Image.new(mode, (5, 4)).save(buffer, "PNG")
        (tmp_path / name).write_bytes(buffer.getvalue())
        assert read_pixels(tmp_path / name).shape == (channels, 4, 5)


def test_a_profile_of_other_colours_than_the_pixels_is_left_out(tmp_path):
    profile = bytearray(PROFILE)
    profile[16:20] = b"CMYK"
    Image.new("CMYK", (9, 8)).save(tmp_path / "a.jpg", icc_profile=bytes(profile))
    photograph = read_photograph(tmp_path / "a.jpg")
    assert photograph.pixels.shape == (3, 8, 9)
    assert photograph.profile is None


def test_what_a_format_cannot_hold_is_told(tmp_path):
    with pytest.raises(ImagingError, match="cannot write"):
        write_image(tmp_path / "a.webp", np.zeros((3, 4, 17000), np.uint8))
    with pytest.raises(ImagingError, match="cannot write"):
        write_image(tmp_path / "a.jpg", pixels(3, 8), exif=b"Exif\0\0" + bytes(70_000))
    assert list(tmp_path.iterdir()) == []
