"""The page in a real browser: a headless Chromium, driven by a script at the end of a copy of the page."""

import json
import os
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

DRIVER = """
<script>
const errors = [];
window.addEventListener("error", event => errors.push(event.message));
const told = {};
const rows = () => [...document.querySelectorAll("#table tbody tr")].map(row => row.cells[0].textContent);
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const note = () => document.getElementById("note").textContent;
const heads = document.querySelectorAll("#table th button");
told.start = rows();
heads[1].click(); told.ascending = rows();
told.sorted = document.querySelectorAll("#table th")[1].getAttribute("aria-sort");
heads[1].click(); told.descending = rows();
heads[0].click(); told.by_name = rows();
told.first = note();
press("4"); told.fourth = note();
press("ArrowRight"); told.next = note();
press("+"); press("+");
const zoomed = document.getElementById("shown").style.transform;
press("1"); told.clean = note();
told.kept = zoomed !== "" && document.getElementById("shown").style.transform === zoomed;
document.querySelectorAll("#controls button")[1].click(); told.clicked = note();
press("0"); told.whole = document.getElementById("shown").style.transform;
told.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
told.errors = errors;
const end = document.createElement("script");
end.type = "application/json";
end.id = "told";
end.textContent = JSON.stringify(told).replaceAll("<", "\\\\u003c");
document.body.append(end);
</script>
"""


def browse(path, *options: str) -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [browser, "--headless", "--disable-gpu", *sandbox, *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("width", [500, 1600])  # Chromium's own window is never narrower than 500
def test_sorting_and_flipping(width, page):
    copy = page.with_name("driven.html")
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", DRIVER + "</body>"), encoding="utf-8")
    shown = browse(copy, f"--window-size={width},1200", "--dump-dom")
    told = json.loads(re.search(r'id="told">(.*?)</script>', shown, re.DOTALL)[1])
    assert told["errors"] == []
    assert told["start"] == ["dncnn", "</td>", "unet", "wiener"]
    assert told["ascending"] == ["</td>", "dncnn", "wiener", "unet"]  # numbers, then what is none
    assert told["sorted"] == "ascending"
    assert told["descending"] == ["unet", "wiener", "dncnn", "</td>"]
    assert told["by_name"] == ["</td>", "dncnn", "unet", "wiener"]
    assert told["first"] == "a, clean"
    assert told["fourth"].startswith("a, unet </script>, 4")
    assert told["next"].startswith("<b>, unet </script>, 4")
    assert told["clean"] == "<b>, clean"
    assert told["clicked"] == "<b>, measured, sigma 0.1, 20.00 dB"
    assert told["kept"], "place and zoom must stay when the view changes"
    assert "scale(1)" in told["whole"]
    assert told["overflow"] <= 0


def test_a_screenshot_in_the_dark(page):
    picture = page.with_name("dark.png")
    browse(page, "--force-dark-mode", "--window-size=800,1200", f"--screenshot={picture}")
    assert picture.stat().st_size > 5000
