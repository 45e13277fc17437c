"""A headless Chromium for tests, and the folder in which its screenshots stay for people to look at."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


def browse(address: str, *options: str) -> tuple[str, list[str]]:
    """What the browser prints, and what the page has written to its console."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    fixed = ["--headless", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    command = [browser, *fixed, *sandbox, *options, address]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    return ended.stdout, [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]


def screenshot(address: str, name: str, size: tuple[int, int], *options: str) -> tuple[Path, list[str]]:
    """A picture of the page in `screenshots/`, and what the page has written to its console."""
    SCREENSHOTS.mkdir(exist_ok=True)
    picture = SCREENSHOTS / f"{name}.png"
    picture.unlink(missing_ok=True)
    width, height = size
    _, console = browse(address, f"--window-size={width},{height}", f"--screenshot={picture}", *options)
    return picture, console
