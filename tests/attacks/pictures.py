"""Hostile pictures: bombs, other formats under a picture's name, loops, pipes, names that are no text.

    python tests/attacks/pictures.py [--cases 300] [--seed 0] [--case N]

Each is given to the restoration, to a directory of training images, as a mask or as a psf. Faults are
tracebacks, hangs, programs that are started, much memory, and messages of more than one line.
"""

import io
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from cases import Tally, arguments, attempt, numbered

os.environ |= {"OMP_NUM_THREADS": "1"}
MEGABYTES = 7000  # of memory that one case may take: half of what is free, for the true bombs


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: int = 1) -> bytes:
    """A PNG whose header says this size, with so many rows of zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((1 + 3 * width) * rows), 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*c) for c in chunks) + pixels + chunk(b"IEND", b"")


def tiff(random: random.Random, width: int, height: int) -> bytes:
    """A TIFF with a header of this size, whose directory may point to itself or beyond the end."""
    pick = random.choice
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, pick([1, 8, 12, 16, 32, 64])),  # bits per sample
        (259, 3, 1, pick([1, 5, 7, 8, 32773, 34926, 50000])),  # compression
        (262, 3, 1, pick([0, 1, 2, 3, 6, 8])),  # photometric interpretation
        (273, 4, pick([1, 2**31]), 8),  # offsets
        (277, 3, 1, pick([1, 3, 4, 60000])),  # samples per pixel
        (278, 4, 1, height),
        (279, 4, 1, pick([0, 10, 2**32 - 1])),  # bytes
        (339, 3, 1, pick([1, 2, 3, 4])),  # sample format
    ]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", random.choice([0, 8, 12, 2**31]))


def other(kind: str) -> Callable[[random.Random], bytes]:
    """A file of another format."""

    def make(random: random.Random) -> bytes:
        from PIL import Image

        buffer = io.BytesIO()
        Image.new("RGB", (16, 16), "teal").save(buffer, kind)
        return buffer.getvalue()

    return make


def animation(kind: str) -> Callable[[random.Random], bytes]:
    """Several pictures in one file."""

    def make(random: random.Random) -> bytes:
        from PIL import Image

        frames = [Image.new("RGB", (16, 16), (40 * i, 0, 9)) for i in range(random.randint(2, 6))]
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
        return buffer.getvalue()

    return make


def packed(kind: bytes, head: bytes, size: int, number: int = 1) -> bytes:
    """A small PNG with chunks that unpack to much."""
    return png(9, 9, *[(kind, head + zlib.compress(bytes(size), 9))] * number, rows=9)


def bmp(random: random.Random) -> bytes:
    sides = [random.choice([9, -9, 2**30]) for _ in range(2)]
    bits, coding, colours = random.choice([1, 8, 24, 32]), random.randrange(9), random.choice([0, 2**31])
    header = struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, *sides, 1, bits, coding, 0, 0, 0, colours, 0)
    return b"BM" + header


def ppm(random: random.Random) -> bytes:
    sides = [random.choice([9, 10**9]) for _ in range(2)]
    kind, largest = random.choice([1, 4, 5, 6]), random.choice([0, 255, 65535, 10**9])
    return b"P%d\n%d %d\n%d\n123" % (kind, *sides, largest)


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 16 16
(/tmp/gets-in) (w) file closefile
showpage
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
LARGE = (9, 30000, 2**20, 2**31 - 1)
OTHERS = ("GIF", "ICO", "JPEG2000", "TGA", "PCX", "PDF", "DDS", "SGI")
MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "bomb.png": lambda r: png(r.choice(LARGE[1:]), r.choice(LARGE[1:])),
    "true bomb.png": lambda r: png(20000, 20000, rows=r.choice([1, 2000])),
    "thin.png": lambda r: png(*r.choice([(1, 60000), (60000, 1), (1, 1), (2, 3)]), rows=r.choice([1, 3])),
    "empty.png": lambda r: png(0, r.choice([0, 5])),
    "profile.png": lambda r: packed(b"iCCP", b"p\0\0", r.choice([10, 200_000_000])),
    "text.png": lambda r: packed(b"zTXt", b"k\0\0", 30_000_000, r.choice([1, 9])),
    "chunks.png": lambda r: png(9, 9, *[(b"tEXt", b"k\0v")] * 50_000, rows=9),
    "header.tif": lambda r: tiff(r, r.choice(LARGE), r.choice(LARGE)),
    "small.tif": lambda r: tiff(r, 9, 9),
    "eps.png": lambda r: EPS,
    "svg.png": lambda r: SVG,
    "script.png": lambda r: b"#!/bin/sh\ntouch gets-in\n",
    "text.jpg": lambda r: r.randbytes(r.choice([0, 1, 3, 4000])),
    "bmp.bmp": bmp,
    "large.ppm": ppm,
    **{f"{kind.lower()}.png": other(kind) for kind in OTHERS},
    **{f"animated {kind.lower()}.png": animation(kind) for kind in ("PNG", "WEBP", "TIFF", "GIF")},
}
PLACES = ["a pipe", "a device", "a directory", "a loop of links", "a broken link"]
NAMES = ["{}", "é ü×☃ {}", "a\nb {}", "- {}", "$(touch gets-in) {}", "[x] {}", "%s%n {}"]


def put(directory: Path, name: str, content: bytes | None, random: random.Random) -> Path:
    """A hostile file; without content one of `PLACES`."""
    stem = random.choice(NAMES).format(name)
    path = os.fsencode(directory / stem)
    if random.random() < 0.1:
        path = os.fsencode(directory) + b"/\xff\xfe" + os.fsencode(name)
    if content is not None:
        with open(path, "wb") as file:
            file.write(content)
    elif name.startswith("a pipe"):
        os.mkfifo(path)
    elif name.startswith("a device"):
        os.symlink(random.choice(["/dev/zero", "/dev/random", "/dev/tty"]), path)
    elif name.startswith("a directory"):
        os.mkdir(path)
    else:
        os.symlink(path if "loop" in name else b"/nothing", path)
    return Path(os.fsdecode(path))


def main() -> int:
    options = arguments(__doc__, 300)
    tally = Tally("hostile pictures", options.seed)
    import imaging
    import imaging.data.module
    from imaging.data import build_data
    from imaging.errors import ImagingError
    from imaging.physics import make_psf
    from imaging.restoring.checks import read_mask

    denoiser = imaging.load("denoiser-32", "cpu")

    def folder(path: Path) -> None:
        source = {"name": "folder", "train": str(path.parent), "test": str(path.parent)}
        settings = {"patch_size": 4, "validation_images": 0, "cache": str(path.parent / "c")}
        data = build_data({"source": source, **settings})
        data.prepare_data()
        data.setup("fit")
        data.test_images()[0]

    uses: dict[str, Callable[[Path], object]] = {
        "restored": lambda path: denoiser.file(path, path.parent / "out.png"),
        "trained on": folder,
        "a mask": read_mask,
        "a psf": lambda path: make_psf({"name": "image", "path": str(path)}),
    }

    def use(how: str, name: str, seed: str, directory: str) -> list:
        random_ = random.Random(seed)
        content = MAKERS[name](random_) if name in MAKERS else None
        path = put(Path(directory), name if content is not None else f"{name}.png", content, random_)
        for function in ("check_call", "run", "Popen"):
            setattr(subprocess, function, lambda *a, **k: os._exit(77))
        before, end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "read"
        try:
            uses[how](path)
        except ImagingError as error:
            end = f"refused: {error}"
        return [
            end.encode(errors="backslashreplace").decode(),
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
        ]

    names = [*MAKERS, *PLACES]
    for number, source in numbered(options):
        name, how = names[number % len(names)], source.choice(sorted(uses))
        if name == "true bomb.png" and how == "restored":
            continue  # a picture of 400 megapixels, which takes as long as it takes
        with tempfile.TemporaryDirectory() as directory:
            seed = f"{options.seed} {number}"
            ended = attempt(lambda name=name, how=how, seed=seed, at=directory: use(how, name, seed, at))
        end, kilobytes = ended.value if isinstance(ended.value, list) else ("other", 0)
        fault = "a program was started" if ended.status == 77 else ended.fault
        if end.startswith("refused") and "\n" in end:
            fault = "more than one line"
        if not fault and kilobytes > 1000 * MEGABYTES:
            fault = f"{kilobytes / 1000:.0f} MB of memory"
        details = f"{ended.complained[-600:].strip()} {end[:300]}"
        tally.add(f"{number}: {name}, {how}", end.partition(":")[0], fault, details)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
