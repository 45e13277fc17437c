"""Damaged files: each kind of file that is ever read, mutated, and read again.

    python tests/attacks/files.py [--cases 2000] [--seed 0] [--case N]

Faults are tracebacks, hangs, and a result that differs from that of the undamaged file where the format has a
checksum. Formats without one, such as BMP or YAML, may come back changed, which is counted apart.
"""

import gzip
import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cases import Tally, arguments, attempt, numbered

os.environ |= {"OMP_NUM_THREADS": "1"}
# With checksums; that of an archive is compared before it is unpacked.
WHOLE_FILE = ("last.ckpt", "weights.safetensors", "digits.gz", "a.png", "deep.png")


@dataclass
class Kind:
    """A kind of file: its name, its bytes, and how it is read: to a digest of what it says."""

    name: str
    content: bytes
    read: Callable[[Path], str]

    @property
    def checked(self) -> bool:
        return self.name in WHOLE_FILE


def digest(*values) -> str:
    """A digest of tensors, arrays and of what has a text."""
    found = hashlib.blake2b(digest_size=8)
    for value in values:
        data = value.detach().numpy() if hasattr(value, "detach") else value
        found.update(data.tobytes() if hasattr(data, "tobytes") else repr(data).encode(errors="replace"))
        found.update(str(getattr(data, "shape", "")).encode())
    return found.hexdigest()


def of_tensors(tensors: dict) -> str:
    return digest(*(part for key in sorted(tensors) for part in (key, tensors[key])))


def kinds(directory: Path) -> list[Kind]:
    """The files of a small run, and pictures, arrays and archives."""
    import numpy as np
    import scipy.io
    import tifffile
    from PIL import Image

    from imaging.data.sources.download import unpack
    from imaging.evaluation.records import read_per_image
    from imaging.formats.weights import read_weights, weights_of, write_weights
    from imaging.images.arrays import read_array
    from imaging.images.photographs import read_photograph
    from imaging.images.reading import read_pages
    from imaging.runs.checkpoints import newest_checkpoint, read_checkpoint
    from imaging.runs.config import check_config, read_config
    from imaging.runs.record import read_record
    from imaging.runs.status import read_status

    run = directory / "run"
    train(directory, "hydra.run.dir=run")
    sweep = directory / "sweep"
    train(directory, "-m", "seed=0,1", "hydra.sweep.dir=sweep", "launcher=basic")
    checkpoint = read_checkpoint(run / "checkpoints" / "last.ckpt")
    write_weights(directory / "w.safetensors", checkpoint["config"], weights_of(checkpoint), {})

    def picture(path: Path) -> str:
        return digest(read_photograph(path).pixels, *read_pages(path))

    def config(path: Path) -> str:
        shutil.copy(path, path.parent / "config.yaml")
        found = read_config(path.parent)
        check_config(found, path)
        return digest(found)

    def status(path: Path) -> str:
        shutil.copy(path, path.parent / "status.json")
        return digest(read_status(path.parent))

    def record(path: Path) -> str:
        shutil.copy(path, path.parent / "multirun.yaml")
        return digest(read_record(path.parent))

    def last(path: Path) -> str:
        """As a resumed run would: `previous.ckpt` is there too."""
        shutil.copy(path, path.parent / "last.ckpt") if path.name != "last.ckpt" else None
        found = newest_checkpoint(path.parent)[1]
        return of_tensors(found["state_dict"]) + str(found["global_step"])

    def archive(path: Path) -> str:
        unpack(path, path.parent / "unpacked")
        files = sorted((path.parent / "unpacked").rglob("*.txt"))
        return digest(*(file.read_bytes() for file in files))

    def digits(path: Path) -> str:
        from imaging.data import SOURCES

        folder = path.parent / "MNIST" / "raw"
        folder.mkdir(parents=True)
        for name in ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"):
            shutil.copy(path, folder / name)
        return digest(SOURCES.build({"name": "mnist", "root": str(path.parent)}).read_all("test"))

    def weights(path: Path) -> str:
        found = read_weights(path)
        return of_tensors(found["state_dict"]) + digest(found["config"])

    def array(path: Path) -> str:
        return digest(read_array(str(path), "psf.path"))

    random_pixels = np.random.default_rng(0)
    shallow = random_pixels.integers(0, 256, (24, 20, 3), dtype=np.uint8)
    deep = random_pixels.integers(0, 65536, (2, 24, 20), dtype=np.uint16)
    made = [
        Kind("last.ckpt", (run / "checkpoints" / "last.ckpt").read_bytes(), last),
        Kind("weights.safetensors", (directory / "w.safetensors").read_bytes(), weights),
        Kind("a.yaml", (run / "config.yaml").read_bytes(), config),
        Kind("a.json", (run / "status.json").read_bytes(), status),
        Kind("sweep.yaml", (sweep / "multirun.yaml").read_bytes(), record),
        Kind(
            "per_image.csv", (run / "per_image.csv").read_bytes(), lambda path: digest(read_per_image(path))
        ),
        Kind("images.tgz", _archive(), archive),
        Kind(
            "digits.gz",
            gzip.compress(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(range(224)) * 7),
            digits,
        ),
    ]
    for name, kind, options in [
        ("a.png", "PNG", {}), ("a.jpg", "JPEG", {}), ("a.webp", "WEBP", {}),
        ("a.bmp", "BMP", {}), ("a.ppm", "PPM", {}), ("a.tif", "TIFF", {}),
        ("lzw.tif", "TIFF", {"compression": "tiff_lzw"}),
    ]:  # fmt: skip
        buffer = io.BytesIO()
        Image.fromarray(shallow).save(buffer, kind, **options)
        made.append(Kind(name, buffer.getvalue(), picture))
    for name, kind, pixels, options in [
        ("deep.png", "PNG", deep[0], None),
        ("stack.tif", "tifffile", deep, {"photometric": "minisblack"}),
        ("float.tif", "tifffile", deep[0].astype(np.float32) / 65535, {}),
        ("zip.tif", "tifffile", np.stack([deep[0]] * 3, -1), {"photometric": "rgb", "compression": "zlib"}),
    ]:
        buffer = io.BytesIO()
        if kind == "PNG":
            Image.fromarray(pixels).save(buffer, "PNG")
        else:
            tifffile.imwrite(buffer, pixels, **options)
        made.append(Kind(name, buffer.getvalue(), picture))
    kernel, buffers = random_pixels.random((5, 5)), [io.BytesIO(), io.BytesIO()]
    np.save(buffers[0], kernel)
    scipy.io.savemat(buffers[1], {"kernel": kernel}, do_compression=True)
    made += [Kind("k.npy", buffers[0].getvalue(), array), Kind("k.mat", buffers[1].getvalue(), array)]
    return made


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for number in range(3):
            entry = tarfile.TarInfo(f"folder/{number}.txt")
            entry.size = 500
            tar.addfile(entry, io.BytesIO(bytes([number]) * 500))
    return buffer.getvalue()


def train(directory: Path, *words: str) -> None:
    """Train a tiny run in a process of its own."""

    def body() -> None:
        import imaging.commands.main as commands

        os.chdir(directory)
        settings = [
            "debug=default",
            "data.crop=[64,64]",
            "model.hidden_channels=4",
            "trainer.accelerator=cpu",
        ]
        sys.argv = ["train.py", *words, *settings]
        commands.train()

    ended = attempt(body, 120)
    assert ended.status == 0, ended.complained


def mutate(content: bytes, others: list[bytes], random: Random) -> bytes:
    """Damage bytes: flip, overwrite, cut, insert, remove, repeat, or mix with another file."""
    data = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        at, size = random.randrange(len(data) or 1), random.choice([1, 2, 4, 16, 200])
        kind = random.randrange(8)
        if not data:
            break
        if kind <= 2:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 3:
            data[at : at + size] = random.choice([b"\0", b"\xff", b"\x7f"]) * size
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            data[at:at] = random.randbytes(size)
        elif kind == 6:
            del data[at : at + size]
        else:
            data[at : at + size] = random.choice(others)[:size]
    return bytes(data)


def main() -> int:
    options = arguments(__doc__, 2000)
    tally = Tally("damaged files", options.seed)
    from imaging.errors import ImagingError

    with tempfile.TemporaryDirectory() as made:
        table = kinds(Path(made))
    contents = [kind.content for kind in table]

    def read(kind: Kind, content: bytes) -> str:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, kind.name)
            path.write_bytes(content)
            if kind.name == "last.ckpt":
                (path.parent / "previous.ckpt").write_bytes(kind.content)
            try:
                return kind.read(path)
            except ImagingError as error:
                return f"refused: {error}"

    right = [read(kind, kind.content) for kind in table]
    assert not [text for text in right if text.startswith("refused")], right
    for number, random in numbered(options):
        index = number % len(table)
        kind = table[index]
        content = mutate(kind.content, contents, random)
        ended = attempt(lambda kind=kind, content=content: read(kind, content), 30)
        found, fault = str(ended.value), ended.fault
        end = "unchanged" if found == right[index] else "changed"
        if found.startswith("refused"):
            end, fault = "refused", "more than one line" if "\n" in found else fault
        elif end == "changed" and kind.checked and not fault:
            fault = "silently wrong"
        if kind.name == "last.ckpt" and end == "refused" and not fault:
            fault = "previous.ckpt was not tried"
        tally.add(f"{number}: {kind.name}", end, fault, f"{ended.complained[-500:].strip()} {found[:200]}")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
