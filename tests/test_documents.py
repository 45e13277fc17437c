"""The README runs as it is written; the site has every page, and every room in its reference."""

import re
import shlex
import subprocess
import sys

import pytest
from test_readme import CHECKOUT, TEXTS, commands
from test_rooms import ROOMS

DOCS = CHECKOUT / "docs"
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation():
    navigation = (CHECKOUT / "mkdocs.yml").read_text()
    for page in DOCS.rglob("*.md"):
        name = re.escape(page.relative_to(DOCS).as_posix())
        assert len(re.findall(rf"[:-] {name}$", navigation, re.MULTILINE)) == 1, page


def test_every_room_is_in_the_reference():
    documented = set()
    for page in (DOCS / "api").glob("*.md"):
        documented |= set(re.findall(r"^::: imaging\.(\w+)", page.read_text(), re.MULTILINE))
    folders = {path.parent.name for path in (CHECKOUT / "imaging").glob("*/__init__.py")}
    assert folders <= documented
    assert documented <= {*ROOMS, "load"}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_every_link_to_a_file_has_one(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?://", link):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.is_file(), link
            if anchor:
                headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, (
                    link
                )
    for name in re.findall(r'^--8<-- "(.*)"$', text, re.MULTILINE):
        assert (CHECKOUT / name).is_file(), name


def test_the_readme_is_one_page():
    assert len(README.split()) < 700
    assert README.index("](docs/noisy.png)") < README.index("## Start")


def in_a_checkout(tmp_path, command: list[str]) -> str:
    """Run a command where the files of the checkout are, but the outputs are elsewhere."""
    for name in ("train.py", "evaluate.py", "conf", "docs", "weights", "imaging", "hydra_plugins"):
        if not (tmp_path / name).exists():
            (tmp_path / name).symlink_to(CHECKOUT / name)
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in commands(README) if not c.startswith("make")])
def test_a_command_of_the_readme_runs_as_it_is_written(command, tmp_path):
    """`.ci/run` runs those of make."""
    words = shlex.split(command)
    program = [sys.executable] if words[0] == "python" else [sys.executable, "-m", "imaging"]
    in_a_checkout(tmp_path, [*program, *words[1:]])
    made = [path for path in tmp_path.rglob("*.png") if not path.is_relative_to(tmp_path / "docs")]
    assert made or words[1] == "evaluate.py"


@pytest.mark.slow
def test_the_python_of_the_readme_runs_as_it_is_written(tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = in_a_checkout(tmp_path, [sys.executable, "-c", block]).splitlines()
    assert len(lines) == 3
    for line in lines:
        name, psnr, said = line.split(maxsplit=2)
        expected = re.match(r"expected PSNR (\d+\.\d+) dB", said)
        assert expected, said
        assert float(psnr) == pytest.approx(float(expected[1]), abs=0.5), name
