"""What the sources and the image reader hand out."""

import gzip
import hashlib
import logging
import os
import random
import struct
import zlib
from pathlib import PurePath

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from imaging.data import SOURCES
from imaging.data.sources.folder import distinct_ids
from imaging.errors import ImagingError
from imaging.images import opening
from imaging.images.reading import read_image

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)
FLAT = (DEEP >> 8).astype(np.uint8)


def png16(path, pixels: np.ndarray, orientation: int | None = None) -> None:
    """Write a 16-bit PNG, which Pillow cannot for colours."""
    height, width, samples = pixels.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8).astype(np.int16)
    left = np.pad(rows, ((0, 0), (2 * samples, 0)))[:, : rows.shape[1]]
    filtered = ((rows - left) % 256).astype(np.uint8)  # filter type 1: difference to the pixel on the left

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    exif = Image.Exif()
    exif[274] = orientation or 1
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"".join(b"\1" + row.tobytes() for row in filtered)))
        + chunk(b"eXIf", exif.tobytes()[6:])
        + chunk(b"IEND", b"")
    )


def unit(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / np.float32(65535)).permute(2, 0, 1)


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_files_keep_16_bits(tmp_path, suffix, samples):
    path, pixels = tmp_path / f"a.{suffix}", DEEP[..., :samples]
    if suffix == "png":
        png16(path, pixels)
    else:
        colours = "rgb" if samples > 2 else "minisblack"
        alpha = ["unassalpha"] if samples in (2, 4) else None
        flat = pixels[..., 0] if samples == 1 else pixels
        tifffile.imwrite(path, flat, photometric=colours, extrasamples=alpha, planarconfig="contig")
    colours = 3 if samples > 2 else 1
    image = read_image(path, channels=colours)
    assert image.dtype == torch.float32
    assert torch.equal(image, unit(pixels[..., :colours]))
    if colours == 1:
        assert torch.equal(read_image(path), image.expand(3, -1, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(FLAT[..., :3]).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(FLAT[..., :3]).save(tmp_path / "a.tif", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        upright = torch.from_numpy(np.array(ImageOps.exif_transpose(image))).permute(2, 0, 1)
    assert torch.equal(read_image(tmp_path / "a.png"), upright)
    assert torch.equal(read_image(tmp_path / "a.tif"), upright)
    png16(tmp_path / "b.png", DEEP[..., :3] & 0xFF00, orientation)
    tifffile.imwrite(tmp_path / "b.tif", DEEP[..., :3] & 0xFF00, extratags=[(274, 3, 1, orientation, True)])
    expected = (upright.float() * 256 / 65535).double()
    for name in ("b.png", "b.tif"):
        assert torch.allclose(read_image(tmp_path / name).double(), expected, atol=1e-7)


def test_8_bit_kinds(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(opening, "_notices", set())
    rgb = torch.from_numpy(FLAT[..., :3]).permute(2, 0, 1)
    gray = (rgb * torch.tensor([0.2125, 0.7154, 0.0721])[:, None, None]).sum(0, keepdim=True).round().byte()
    Image.fromarray(FLAT).save(tmp_path / "alpha.png")
    Image.fromarray(FLAT).save(tmp_path / "alpha.webp", lossless=True, exact=True)
    Image.fromarray(FLAT[..., 0]).save(tmp_path / "gray.tif")
    palette = Image.fromarray(FLAT[..., :3]).quantize(16)
    palette.save(tmp_path / "palette.png")
    with caplog.at_level(logging.WARNING):
        assert torch.equal(read_image(tmp_path / "alpha.png"), rgb)
        assert torch.equal(read_image(tmp_path / "alpha.webp"), rgb)
        expected = torch.from_numpy(np.array(palette.convert("RGB"))).permute(2, 0, 1)
        assert torch.equal(read_image(tmp_path / "palette.png"), expected)
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "images: alpha is dropped",
        "images: palettes are converted to RGB",
    ]
    assert torch.equal(read_image(tmp_path / "alpha.png", channels=1), gray)
    assert torch.equal(read_image(tmp_path / "gray.tif"), rgb[:1].expand(3, -1, -1))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_broken_files_are_named_in_one_line(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    for content in (path.read_bytes()[: path.stat().st_size // 2], b"not an image", b""):
        path.write_bytes(content)
        with pytest.raises(ImagingError, match=rf"^cannot read the image .*a\.{suffix}: .+") as error:
            read_image(path)
        assert "\n" not in str(error.value)


def test_folder_finds_and_names_images(tmp_path):
    for name in ("b/z.PNG", "b/a.jpg", "b/a.png", "a.webp", ".hidden.png", "c/.trash/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(FLAT[..., :3]).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("")
    source = SOURCES.build({"name": "folder", "test": str(tmp_path), "channels": 1})
    source.prepare()
    assert source.ids("test") == ["a", "b/a.jpg", "b/a.png", "b/z"]
    assert source.read("test", 2).shape == (1, 5, 7)
    with pytest.raises(ImagingError, match=r"data\.source\.train names no directory"):
        source.ids("train")
    with pytest.raises(ImagingError, match=r"data\.source\.train: there is no directory"):
        SOURCES.build({"name": "folder", "train": str(tmp_path / "none")}).prepare()


def test_channels_other_than_1_and_3_are_refused():
    with pytest.raises(ImagingError, match="channels is 2"):
        SOURCES.build({"name": "bundled", "channels": 2})


def test_bundled_photographs_are_in_the_wheel(monkeypatch):
    from imaging.data.sources import bundled

    source = SOURCES.build({"name": "bundled"})
    source.prepare()
    assert source.ids("test") == ["chelsea", "coffee", "rocket"]
    assert not set(source.ids("test")) & set(source.ids("train"))
    for split in ("train", "test"):
        for index in range(len(source.ids(split))):
            image = source.read(split, index)
            assert image.dtype == torch.uint8
            assert image.shape[0] == 3
            assert min(image.shape[1:]) >= 300
    monkeypatch.setitem(bundled.SPLITS, "test", ("nowhere.png",))
    with pytest.raises(ImagingError, match=r"nowhere\.png is not in"):
        source.prepare()


def test_gray_is_that_of_skimage():
    from skimage.color import rgb2gray

    rgb = SOURCES.build({"name": "bundled"}).read("test", 0)
    gray = SOURCES.build({"name": "bundled", "channels": 1}).read("test", 0)
    expected = np.round(rgb2gray(rgb.permute(1, 2, 0).numpy()) * 255)
    assert np.abs(gray[0].numpy() - expected).max() <= 1  # ties may round either way
    assert (gray[0].numpy() != expected).mean() < 1e-3


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_files(tmp_path, suffix):
    digits = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    content = struct.pack(">IIII", 0x803, 5, 28, 28) + digits.tobytes()
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    path = folder / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    source = SOURCES.build({"name": "mnist", "root": str(tmp_path)})
    assert source.ids("train") == ["00000", "00001", "00002", "00003", "00004"]
    assert np.array_equal(source.read_all("train")[:, 0].numpy(), digits)
    assert np.array_equal(source.read("train", 3)[0].numpy(), digits[3])
    assert (
        SOURCES.build({"name": "mnist", "root": str(tmp_path), "channels": 3}).read("train", 0).shape[0] == 3
    )
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ImagingError, match=r"cannot read .*train-images"):
        SOURCES.build({"name": "mnist", "root": str(tmp_path)}).ids("train")


@pytest.mark.data
def test_bsds300_is_the_official_one(data_root):
    source = SOURCES.build({"name": "bsds300", "root": str(data_root)})
    source.prepare()
    assert (len(source.ids("train")), len(source.ids("test"))) == (200, 100)
    paths = {
        path.relative_to(data_root).as_posix(): path for path in data_root.glob("BSDS300/images/*/*.jpg")
    }
    digest = hashlib.sha256()
    for name in sorted(paths):
        digest.update(name.encode() + b"\0" + paths[name].read_bytes())
    assert digest.hexdigest() == "44584b06a9d2f22028d345f087f99d2428a5b6c410e8bede069770a60a8a24ef"
    assert sorted(source.read("train", 0).shape) == [3, 321, 481]


@pytest.mark.data
def test_mnist_is_the_official_one(data_root):
    from imaging.data.sources.mnist import MD5

    source = SOURCES.build({"name": "mnist", "root": str(data_root)})
    for split, count in (("train", 60000), ("test", 10000)):
        images = source.read_all(split)
        assert images.shape == (count, 1, 28, 28)
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        assert hashlib.md5(header + images.numpy().tobytes()).hexdigest() == MD5[split]


def test_bsd68_is_68_gray_photographs_for_tests_alone(data_root):
    source = SOURCES.build({"name": "bsd68", "root": str(data_root)})
    if not source.folder.is_dir():
        pytest.skip(f"no {source.folder}")
    assert len(source.ids("test")) == 68
    assert sorted(source.read("test", 0).shape[1:]) == [321, 481]
    with pytest.raises(ImagingError, match="has no training images"):
        source.ids("train")


def test_bsd68_that_is_not_there_says_where_it_shall_lie(tmp_path):
    source = SOURCES.build({"name": "bsd68", "root": str(tmp_path)})
    with pytest.raises(ImagingError, match=r"BSD68: put the 68 PNG images there"):
        source.ids("test")


def test_a_name_that_cannot_be_printed_is_told_by_escapes(tmp_path):
    names = [b"a\rb.png", b"\xff.png", "ü $x$.png".encode(), b"plain.png", b"\n/a\xe2\x80\xa8.png"]
    for name in names:
        Image.new("L", (4, 4)).save(tmp_path / "one.png")
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(tmp_path / "one.png", path)
    source = SOURCES.build({"name": "folder", "test": str(tmp_path)})
    ids = source.ids("test")
    assert set(ids) == {r"a\rb", r"\udcff", "ü $x$", "plain", r"\n/a\u2028"}
    assert all(source.read("test", index).shape == (3, 4, 4) for index in range(len(ids)))


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["a.jpg", "a.png", "c/a.png"], ["a.jpg", "a.png", "c/a"]),
        (["a.jpg", "a.png", "a.png.png"], ["a.jpg", "a.png", "a.png.png"]),
        (["a\rb.png", r"a\rb.png"], [r"a\\rb", r"a\rb"]),  # the printable name keeps its id
        (["\r\\r.png", "\\r\r.png"], [r"\r\r", r"\\r\\r"]),
        (["\r.jpg", "\r.png", r"\r.png"], [r"\r.jpg", r"\r.png", r"\r"]),
    ],
)
def test_ids_are_different_and_printable_names_stay_as_they_are(names, ids):
    assert distinct_ids([PurePath(name) for name in names]) == ids


@pytest.mark.parametrize("seed", range(100))
def test_ids_of_any_names(seed):
    draw = random.Random(seed)
    words = ["a", "\\", "\r", "\\r", ".png", "\udcff", "udcff", "/b"]
    names = {PurePath("x" + "".join(draw.choices(words, k=draw.randint(0, 4))) + ".png") for _ in range(40)}
    ids = distinct_ids(sorted(names))
    assert len(set(ids)) == len(names)
    assert all(id.isprintable() for id in ids)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_tiff_of_an_unknown_colour_space_is_refused_in_one_line(kind, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), kind), photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages.first.tags["PhotometricInterpretation"].overwrite(9999)
    with pytest.raises(ImagingError, match=r"^cannot read the image .*a\.tif: (it is damaged|16-bit 9999)"):
        read_image(tmp_path / "a.tif")


def test_each_page_of_a_tiff_is_an_image(tmp_path):
    stack = np.random.default_rng(0).integers(0, 65536, (3, 6, 7), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    tifffile.imwrite(tmp_path / "single.tif", stack[0])
    source = SOURCES.build({"name": "folder", "test": str(tmp_path), "channels": 1})
    source.prepare()
    assert source.ids("test") == ["single", "stack.tif/0000", "stack.tif/0001", "stack.tif/0002"]
    for index, page in enumerate(stack):
        expected = torch.from_numpy(page / np.float32(65535))
        assert torch.equal(source.read("test", 1 + index)[0], expected)
    assert source.decoded_bytes("test") == 4 * 4 * 6 * 7
    assert len(source.identity("test")[1]) == 2


def test_a_link_to_a_directory_is_followed_and_a_broken_file_is_named(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Image.fromarray(FLAT[..., :3]).save(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert SOURCES.build({"name": "folder", "test": str(tmp_path / "data")}).ids("test") == ["link/a"]
    (tmp_path / "data" / "broken.png").symlink_to(tmp_path / "nothing.png")
    with pytest.raises(ImagingError, match=r"data\.source\.test: cannot read .*broken\.png: a broken link"):
        SOURCES.build({"name": "folder", "test": str(tmp_path / "data")}).ids("test")
