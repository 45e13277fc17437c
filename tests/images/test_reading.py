"""Image files of kinds that Pillow reads wrongly or not at all."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from imaging.errors import ImagingError
from imaging.images import opening
from imaging.images.reading import count_pages, decoded_bytes, read_gray, read_image, read_pages, read_pixels

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


@pytest.mark.parametrize("mode", ["LAB", "I"])
def test_a_mode_that_would_lose_its_values_is_refused_whatever_the_suffix(mode, tmp_path):
    Image.new(mode, (6, 5)).save(tmp_path / "a.png", "TIFF")
    with pytest.raises(ImagingError, match=r"^cannot read the image .*a\.png: .*; expected 8 or 16"):
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


@pytest.mark.parametrize("suffix", [".bmp", ".pgm", ".ppm"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_files_of_the_literatures_test_sets(suffix, mode, tmp_path):
    pixels = np.moveaxis(DEEP[:3], 0, -1).astype(np.uint8)
    image = Image.fromarray(pixels if mode == "RGB" else pixels[..., 0])
    image.save(tmp_path / f"a{suffix}")
    expected = torch.from_numpy(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1).copy())
    assert torch.equal(read_pixels(tmp_path / f"a{suffix}"), expected)


@pytest.mark.parametrize(("kind", "channels"), [("P5", 1), ("P6", 3)])
@pytest.mark.parametrize("top", [65535, 4095])
def test_a_pgm_or_ppm_of_16_bits_keeps_them(kind, channels, top, tmp_path):
    samples = np.moveaxis(DEEP[:channels], 0, -1).astype(int) % (top + 1)
    header = f"{kind}\n# by hand\n7 5\n{top}\n".encode()
    (tmp_path / "a.ppm").write_bytes(header + samples.astype(">u2").tobytes())
    expected = torch.from_numpy(np.moveaxis(samples, -1, 0) / top).float()
    assert torch.allclose(read_pixels(tmp_path / "a.ppm"), expected, atol=0.6 / 65535)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_of_floating_point_numbers_is_read_as_it_is(kind, channels, tmp_path):
    samples = (np.moveaxis(DEEP[:channels], 0, -1) / 65535 * 1.4 - 0.2).astype(kind)  # noise leaves [0, 1]
    kind = "minisblack" if channels == 1 else "rgb"
    tifffile.imwrite(tmp_path / "a.tif", samples[..., 0] if channels == 1 else samples, photometric=kind)
    expected = torch.from_numpy(np.moveaxis(samples, -1, 0).astype(np.float32))
    assert torch.equal(read_pixels(tmp_path / "a.tif"), expected)
    assert decoded_bytes(tmp_path / "a.tif", channels) == expected.nbytes


@pytest.mark.parametrize("wrong", [255.0, np.nan, np.inf])
def test_numbers_that_are_no_intensities_are_refused_as_an_image_and_fit_a_psf(wrong, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4), wrong, np.float32))
    with pytest.raises(ImagingError, match=r"a\.tif: it has values up to .*; expected inten"):
        read_image(tmp_path / "a.tif")
    assert read_gray(str(tmp_path / "a.tif"), "psf.path").shape == (4, 4)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint32])
def test_samples_with_a_sign_or_of_32_bits_are_refused(kind, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), kind))
    with pytest.raises(ImagingError, match=r"a\.tif: .*samples; expected 8 or 16 bits without sign"):
        read_image(tmp_path / "a.tif")


STACK = np.random.default_rng(1).integers(0, 65536, (12, 9, 8), dtype=np.uint16)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("imagej", [False, True])
@pytest.mark.parametrize("described", [12, 1])
def test_each_page_of_a_tiff_is_read(kind, imagej, described, tmp_path):
    stack = STACK.astype(kind) if kind != np.float32 else STACK.astype(kind) / 65535
    settings = {"imagej": True} if imagej else {"photometric": "minisblack"}
    if imagej and described == 1:
        stack_written = tmp_path / "a.tif"
        tifffile.imwrite(stack_written, stack, imagej=True)
        with tifffile.TiffFile(stack_written, mode="r+b") as file:  # as ImageJ writes files above 4 GB
            end = file.pages[0].offset
            count = len(file.pages[0].tags)
            file.filehandle.seek(end + 2 + 12 * count)
            file.filehandle.write(bytes(4))
    else:
        tifffile.imwrite(tmp_path / "a.tif", stack, **settings)
    assert count_pages(tmp_path / "a.tif") == 12
    pages = list(read_pages(tmp_path / "a.tif"))
    expected = stack / np.float32(65535) if kind == np.uint16 else stack
    assert torch.equal(torch.cat(pages), torch.from_numpy(expected))
    assert torch.equal(read_image(tmp_path / "a.tif", 1, 7), pages[7])
    with pytest.raises(ImagingError, match=r"a\.tif: it has 12 pages; expected one"):
        read_image(tmp_path / "a.tif")


def test_a_thumbnail_is_no_page(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.zeros((2, 2), np.uint8), subfiletype=1)
        file.write(DEEP[0])
    assert count_pages(tmp_path / "a.tif") == 1
    assert read_pixels(tmp_path / "a.tif").shape == (1, 5, 7)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_animation_is_refused(suffix, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:], lossless=True)
    with pytest.raises(ImagingError, match="it has 3 frames; expected a still picture"):
        read_image(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("kind", ["EPS", "GIF", "ICO", "JPEG2000", "TGA", "PCX", "PDF"])
@pytest.mark.parametrize("read", [read_image, lambda path: read_gray(str(path), "psf.path")])
def test_a_file_of_another_kind_reaches_no_decoder_whatever_its_name(kind, read, tmp_path, monkeypatch):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png", kind)
    monkeypatch.setattr(subprocess, "check_call", lambda *a, **k: pytest.fail("ran a program"))
    with pytest.raises(ImagingError, match=r"a\.png: it is damaged, or none of PNG, JPEG"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_an_image_that_does_not_fit_into_memory_is_told_before_it_is_decoded(kind, tmp_path, monkeypatch):
    Image.new("RGB", (2000, 1000)).save(tmp_path / "a.png", kind)
    monkeypatch.setattr(opening, "free_memory", lambda: 30_000_000)
    message = r"a\.png: 2000 x 1000 pixels take 0\.0 GB of memory; expected at most 0\.0 GB, half"
    with pytest.raises(ImagingError, match=message):
        read_image(tmp_path / "a.png")
    monkeypatch.setattr(opening, "free_memory", lambda: 100_000_000)
    assert read_image(tmp_path / "a.png").shape == (3, 1000, 2000)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_decoding_takes_no_more_memory_than_is_foreseen(kind, tmp_path):
    Image.effect_noise((4000, 3000), 30).convert("RGB").save(tmp_path / "a.png", kind)
    code = """
import sys, resource
from imaging.images import opening, reading
import tifffile, PIL.Image
opening.free_memory = lambda: 10**12
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reading.read_image(sys.argv[1])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (4000 * 3000 * 3))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, text=True)
    assert float(done.stdout) < opening.COPIES, done.stderr


@pytest.mark.parametrize("read", [read_image, lambda path: read_gray(str(path), "psf.path")])
def test_a_pipe_or_a_directory_is_refused_at_once(read, tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name, what in (("a.png", "a pipe or a device"), ("b.png", "a directory")):
        with pytest.raises(ImagingError, match=rf"{name} is {what}; expected a file"):
            read(tmp_path / name)
    assert count_pages(tmp_path / "a.png") == 1
    assert decoded_bytes(tmp_path / "a.png", 1) == 0


@pytest.mark.parametrize("compression", ["lzw", "zlib"])
def test_a_compressed_tiff_of_16_bits_in_colour(compression, tmp_path):
    if compression == "lzw":
        pytest.importorskip("imagecodecs", reason="needs make formats")
    words = np.moveaxis(DEEP[:3], 0, -1)
    tifffile.imwrite(tmp_path / "a.tif", words, photometric="rgb", compression=compression)
    assert torch.equal(read_pixels(tmp_path / "a.tif"), torch.from_numpy(DEEP[:3] / np.float32(65535)))


def test_a_compression_that_needs_another_package_says_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(DEEP[:3], 0, -1), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages.first.tags["Compression"].overwrite(34926)  # Zstandard
    code = f"""
import sys
sys.modules["imagecodecs"] = None
from imaging.images.reading import read_image
read_image({str(tmp_path / "a.tif")!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "its compression needs another package: pip install imagecodecs" in done.stderr


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_large_imagej_stack_of_either_byte_order(order, kind, tmp_path):
    """ImageJ writes files above 4 GB with the first page alone, and big-endian."""
    stack = STACK.astype(kind) if kind != np.float32 else STACK / np.float32(65535)
    path = tmp_path / "a.tif"
    description = "ImageJ=1.53\nimages=12\nslices=12\n"
    tifffile.imwrite(path, stack[0], byteorder=order, description=description, metadata=None)
    with open(path, "ab") as file, tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].dataoffsets[0] + stack[0].nbytes == path.stat().st_size
        file.write(stack[1:].astype(np.dtype(kind).newbyteorder(order)).tobytes())
    expected = stack / np.float32(65535) if kind == np.uint16 else stack
    assert torch.equal(torch.cat(list(read_pages(path))), torch.from_numpy(expected))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_turned_tiff_is_upright(kind, orientation, compression, tmp_path):
    image = (DEEP[0] / 65535).astype(kind) if kind == np.float32 else DEEP[0].astype(kind)
    turned = {1: image, 3: image[::-1, ::-1], 6: np.rot90(image), 8: np.rot90(image, -1)}[orientation]
    tag = [(274, 3, 1, orientation, True)]
    turned = np.ascontiguousarray(turned)
    tifffile.imwrite(tmp_path / "a.tif", turned, extratags=tag, compression=compression)
    expected = image / np.float32(65535) if kind == np.uint16 else image
    assert torch.equal(read_pixels(tmp_path / "a.tif")[0], torch.from_numpy(expected))


def test_a_page_is_read_without_all_others(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack")
    read_image(tmp_path / "a.tif", 1, 0)
    made = []
    page = tifffile.TiffPage.__init__
    monkeypatch.setattr(tifffile.TiffPage, "__init__", lambda *a, **k: made.append(1) or page(*a, **k))
    read_image(tmp_path / "a.tif", 1, 11)
    assert len(made) <= 3
    assert decoded_bytes(tmp_path / "a.tif", 1) == 4 * STACK.size


def test_a_ppm_in_words_of_more_than_8_bits_is_refused(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P3 1 1 65535 256 257 258")
    with pytest.raises(ImagingError, match="a PPM in words; expected bytes, or 8 bits"):
        read_image(tmp_path / "a.ppm")
    (tmp_path / "b.ppm").write_bytes(b"P6 1 1 1023 " + bytes(6))
    assert decoded_bytes(tmp_path / "b.ppm", 3) == read_image(tmp_path / "b.ppm").nbytes
