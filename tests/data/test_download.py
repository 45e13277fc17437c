"""Downloads against a server on this machine: whole or not at all."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import logging
import os
import struct
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from imaging.data import SOURCES
from imaging.data.sources import bsds300, mnist
from imaging.data.sources.download import locked, unpack
from imaging.errors import ImagingError


class Handler(http.server.SimpleHTTPRequestHandler):
    requests: list[str] = []

    def do_GET(self):
        self.requests.append(self.path)
        if self.path.startswith("/truncated/"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 10)
        elif self.path.startswith(("/endless/", "/slow/")):
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 if "slow" in self.path else 1 << 16))
                    time.sleep(0.05 if "slow" in self.path else 0)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """(folder, url) of an HTTP server; `Handler.requests` notes what was asked for."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(Handler, "requests", [])
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def tar(path: Path, *entries: tuple[str, bytes | None, bytes]) -> None:
    """A .tgz of (name, content, type)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content or b""), "/etc/passwd"
            archive.addfile(entry, io.BytesIO(content or b""))


@pytest.fixture
def served_bsds(server, monkeypatch):
    """(url, digest) of a small archive in the layout of the official one."""
    folder, url = server
    names = ("train/2", "train/1", "test/3")
    entries = [(f"BSDS300/images/{name}.jpg", jpeg(), tarfile.REGTYPE) for name in names]
    tar(folder / "images.tgz", *entries, ("BSDS300/iids_train.txt", b"1\n2\n", tarfile.REGTYPE))
    digest = hashlib.sha256((folder / "images.tgz").read_bytes()).hexdigest()
    monkeypatch.setattr(bsds300, "SHA256", digest)
    return f"{url}/images.tgz", digest


def make_bsds(root: Path) -> None:
    """A data set of one image for each split."""
    for split in ("train", "test"):
        folder = root / "BSDS300" / "images" / split
        folder.mkdir(parents=True)
        (folder / "7.jpg").write_bytes(jpeg())


def leftovers(root: Path) -> list[str]:
    """Everything under `root` but the lock."""
    return sorted(path.name for path in root.iterdir() if path.suffix != ".lock") if root.exists() else []


class Counted:
    """A checksum that notes how much it is given."""

    def __init__(self, seen: list[int]):
        self.seen = seen

    def update(self, chunk: bytes) -> None:
        self.seen.append(len(chunk))

    def hexdigest(self) -> str:
        return "0"


def source(root: Path, url: str, name: str = "bsds300"):
    return SOURCES.build({"name": name, "root": str(root), "url": url})


def refused(source, *words: str) -> str:
    with pytest.raises(ImagingError) as error:
        source.prepare()
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def test_bsds300_is_downloaded_once(tmp_path, served_bsds):
    url, _ = served_bsds
    root = tmp_path / "new" / "root"
    data = source(root, url)
    with pytest.raises(ImagingError, match="no data at"):
        data.ids("train")
    data.prepare()
    assert data.ids("train") == ["1", "2"]
    assert data.read("test", 0).shape == (3, 6, 8)
    assert leftovers(root) == ["BSDS300"]
    source(root, url).prepare()
    assert len(Handler.requests) == 1


def test_what_lies_there_is_used_without_network_or_hash(tmp_path):
    make_bsds(tmp_path)
    data = source(tmp_path, "http://127.0.0.1:9/none.tgz")
    data.prepare()
    assert data.ids("test") == ["7"]


def test_half_a_data_set_of_unknown_origin_is_left_alone(tmp_path):
    (tmp_path / "BSDS300" / "images" / "train").mkdir(parents=True)
    refused(source(tmp_path, "http://127.0.0.1:9/none.tgz"), "lacks its train or test images")


def test_no_network_says_what_to_do_in_one_line(tmp_path):
    url = "http://127.0.0.1:9/none.tgz"
    refused(source(tmp_path, url), str(tmp_path), url, "IMAGING_DATA", "data=bundled", "refused")
    refused(source(tmp_path, "http://127.0.0.1:9", "mnist"), "train-images-idx3-ubyte.gz", "data=bundled")
    assert leftovers(tmp_path) == ["MNIST"]


def test_wrong_bytes_are_removed(tmp_path, served_bsds, monkeypatch):
    monkeypatch.setattr(bsds300, "SHA256", "0" * 64)
    refused(source(tmp_path / "root", served_bsds[0]), served_bsds[1], "expected 000", "removed")
    assert leftovers(tmp_path / "root") == []


def test_truncated_transfers_and_missing_files(tmp_path, server):
    _, url = server
    refused(source(tmp_path / "root", f"{url}/truncated/images.tgz"), "10 of 1000 bytes")
    refused(source(tmp_path / "root", f"{url}/nothing.tgz"), "404")
    assert leftovers(tmp_path / "root") == []


@pytest.mark.parametrize("name", ["bsds300", "mnist"])
def test_a_server_that_never_ends_or_hardly_begins(name, tmp_path, server, monkeypatch):
    _, url = server
    refused(source(tmp_path / "root", f"{url}/endless/a", name), "larger than the 50 MB that are expected")
    monkeypatch.setattr("imaging.data.sources.download.PATIENCE", 0.3)
    refused(source(tmp_path / "root", f"{url}/slow/a", name), "bytes came in 0 seconds")
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_small_file_that_unpacks_to_a_huge_one(tmp_path, server, monkeypatch):
    folder, url = server
    for split in mnist.FILES.values():
        (folder / f"{split}.gz").write_bytes(gzip.compress(bytes(20_000_000)))
    monkeypatch.setattr(mnist, "LARGEST", 1_000_000)
    seen = []
    monkeypatch.setattr(hashlib, "new", lambda *a, **k: Counted(seen))
    refused(source(tmp_path / "root", url, "mnist"), "has the MD5")
    assert sum(seen) < 3_000_000


def test_what_another_process_downloads_meanwhile_is_used(tmp_path, served_bsds, caplog):
    root, (url, _) = tmp_path / "root", served_bsds
    data = source(root, url)
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(1) as pool:
        with locked(root / "BSDS300", root, url):
            waiting = pool.submit(data.prepare)
            while "waiting for another process" not in caplog.text:
                assert not waiting.done()
                time.sleep(0.01)
            make_bsds(root)
        waiting.result(timeout=30)
    assert data.ids("train") == ["7"]
    assert Handler.requests == []


def test_an_archive_of_something_else_is_told_and_the_next_attempt_is_free(tmp_path, server, monkeypatch):
    folder, url = server
    tar(folder / "a.tgz", ("other/1.jpg", jpeg(), tarfile.REGTYPE))
    monkeypatch.setattr(bsds300, "SHA256", hashlib.sha256((folder / "a.tgz").read_bytes()).hexdigest())
    for _ in range(2):
        refused(source(tmp_path / "root", f"{url}/a.tgz"), "no data at", "unpacking failed", "data=bundled")
    assert leftovers(tmp_path / "root") == ["BSDS300"]
    assert not any((tmp_path / "root" / "BSDS300").iterdir())


def test_root_that_cannot_be_written(tmp_path, served_bsds):
    (tmp_path / "file").write_text("")
    refused(source(tmp_path / "file" / "root", served_bsds[0]), "cannot be written")


def test_a_killed_attempt_does_not_hinder_the_next(tmp_path, served_bsds):
    root = tmp_path / "root"
    (root / ".BSDS300.unpacking" / "BSDS300" / "images" / "train").mkdir(parents=True)
    (root / ".BSDS300-images.tgz.part").write_bytes(b"half")
    source(root, served_bsds[0]).prepare()
    assert leftovers(root) == ["BSDS300"]


def test_two_processes_at_once_download_once(tmp_path, served_bsds):
    url, digest = served_bsds
    code = (
        "import sys; from imaging.data.sources import bsds300; bsds300.SHA256 = sys.argv[3]; "
        "data = bsds300.BSDS300(sys.argv[1], url=sys.argv[2]); data.prepare(); print(len(data.ids('train')))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "root"), url, digest]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in pair] == ["2", "2"]
    assert len(Handler.requests) == 1


def test_an_archive_is_unpacked_with_its_folders(tmp_path):
    folders = [(name, None, tarfile.DIRTYPE) for name in ("a", "d")]
    tar(tmp_path / "a.tgz", *folders, ("a/b/c", b"text", tarfile.REGTYPE))
    (tmp_path / "out" / "old").mkdir(parents=True)
    unpack(tmp_path / "a.tgz", tmp_path / "out")
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")}
    assert found == {"a", "a/b", "a/b/c", "d"}
    assert (tmp_path / "out" / "a" / "b" / "c").read_bytes() == b"text"


@pytest.mark.parametrize("damage", ["cut", "not an archive", "empty"])
def test_a_damaged_archive_is_named_in_one_line(damage, tmp_path):
    path = tmp_path / "a.tgz"
    tar(path, ("a", str(list(range(20_000))).encode(), tarfile.REGTYPE))
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "not an archive": b"text", "empty": b""}[damage])
    with pytest.raises(ImagingError, match=rf"^cannot unpack a\.tgz into {tmp_path}: .+") as error:
        unpack(path, tmp_path / "out")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("a/../../evil", tarfile.REGTYPE),
        ("/tmp/evil", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("device", tarfile.CHRTYPE),
        ("pipe", tarfile.FIFOTYPE),
    ],
)
def test_evil_archives_are_refused(tmp_path, name, kind):
    tar(tmp_path / "a.tgz", (name, None, kind))
    with pytest.raises(ImagingError, match="is refused"):
        unpack(tmp_path / "a.tgz", tmp_path / "inner" / "out")
    assert not list(tmp_path.rglob("evil"))


def test_evil_archive_leaves_no_data_set(tmp_path, server, monkeypatch):
    folder, url = server
    entries = [(f"BSDS300/images/{split}/1.jpg", jpeg(), tarfile.REGTYPE) for split in ("train", "test")]
    tar(folder / "a.tgz", *entries, ("BSDS300/images/link", None, tarfile.SYMTYPE))
    digest = hashlib.sha256((folder / "a.tgz").read_bytes()).hexdigest()
    monkeypatch.setattr(bsds300, "SHA256", digest)
    refused(source(tmp_path / "root", f"{url}/a.tgz"), "is refused", "link")
    assert leftovers(tmp_path / "root") == []


def test_mnist_is_checked_by_its_decompressed_bytes(tmp_path, server, monkeypatch):
    folder, url = server
    content = struct.pack(">IIII", 0x803, 2, 28, 28) + bytes(2 * 784)
    for level, name in enumerate(mnist.FILES.values()):  # each file compressed in its own way
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, level))
    monkeypatch.setattr(mnist, "MD5", dict.fromkeys(mnist.FILES, hashlib.md5(content).hexdigest()))
    data = source(tmp_path / "root", url, "mnist")
    with pytest.raises(ImagingError, match=r"no data at .*t10k-images-idx3-ubyte\.gz: .* set IMAGING_DATA"):
        data.ids("test")
    data.prepare()
    assert data.ids("test") == ["00000", "00001"]
    data.prepare()
    assert len(Handler.requests) == 2

    other = tmp_path / "other"
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content[:-1]))
    refused(source(other, url, "mnist"), "MD5", "expected")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    refused(source(other, url, "mnist"), "cannot be unpacked")
    assert not [path for path in other.rglob("*") if path.is_file() and path.suffix != ".lock"]
