"""The page in a real browser: a headless Chromium, driven by a script at the end of a copy of the page."""

import html
import json
import re

import numpy as np
import pytest
from browser import browse, screenshot
from PIL import Image

pytestmark = pytest.mark.slow

DRIVER = """
<script>
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
told.width = document.documentElement.clientWidth;
const operated = "#table th button, #controls button, #controls select, #stage, summary";
const lost = [...document.querySelectorAll(operated)].filter(one => one.tabIndex < 0);
told.unreachable = lost.map(one => one.outerHTML);
const end = parent.document.createElement("script");
end.type = "application/json";
end.id = "told";
end.textContent = JSON.stringify(told).replaceAll("<", "\\\\u003c");
parent.document.body.append(end);
</script>
"""


def narrow(page, width: int, height: int):
    """A page that holds another in a frame of this size: Chromium's own window is never below 500 px."""
    frame = page.with_name(f"{page.stem}-{width}.html")
    inner = html.escape(page.read_text(encoding="utf-8"))
    style = f"border: 0; width: {width}px; height: {height}px"
    frame.write_text(
        f'<body style="margin: 0"><iframe srcdoc="{inner}" style="{style}"></iframe></body>', encoding="utf-8"
    )
    return frame


@pytest.mark.parametrize("width", [360, 1600])
def test_sorting_and_flipping(width, page):
    copy = page.with_name("driven.html")
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", DRIVER + "</body>"), encoding="utf-8")
    frame = narrow(copy, width, 1200)
    shown, console = browse(frame.as_uri(), "--window-size=1600,1200", "--dump-dom")
    assert console == []
    told = json.loads(re.search(r'id="told">(.*?)</script>', shown, re.DOTALL)[1])
    assert told["width"] == width
    assert told["start"] == ["dncnn", "</td>", "unet", "wiener"]
    assert told["ascending"] == ["</td>", "dncnn", "wiener", "unet"]  # numbers, then what is none
    assert told["sorted"] == "ascending"
    assert told["descending"] == ["unet", "wiener", "dncnn", "</td>"]
    assert told["by_name"] == ["</td>", "dncnn", "unet", "wiener"]
    assert told["first"] == "a, clean"
    assert told["fourth"].startswith("a, unet </script>, 4")
    assert told["next"].startswith("<b>, unet </script>, 4")
    assert told["clean"] == "<b>, clean"
    assert told["clicked"] == "<b>, measured y, test sigma 0.1, 20.00 dB"
    assert told["kept"], "place and zoom must stay when the view changes"
    assert "scale(1)" in told["whole"]
    assert told["overflow"] <= 0
    assert told["unreachable"] == []


def test_a_console_error_would_be_seen(page):
    broken = page.with_name("broken.html")
    broken.write_text("<script>nothing.there()</script>", encoding="utf-8")
    assert len(browse(broken.as_uri(), "--dump-dom")[1]) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_follows_the_reader_into_the_dark(dark, page):
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    name = "page-dark" if dark else "page-light"
    picture, console = screenshot(page.as_uri(), name, (1600, 1600), *scheme)
    assert console == []
    with Image.open(picture) as image:
        corner = np.asarray(image.convert("L"))[-20:, :20].mean()
    assert corner < 60 if dark else corner > 220


def test_a_screenshot_of_a_telephone(page):
    picture, console = screenshot(narrow(page, 360, 1600).as_uri(), "page-360", (500, 1600))
    assert console == []
    assert picture.stat().st_size > 5000
