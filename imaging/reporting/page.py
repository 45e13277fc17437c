"""The page of a sweep: one HTML file with everything in it, for any browser, without a network."""

import base64
import html
import io
import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from imaging.files import write_text
from imaging.reporting.figures import psnr_note
from imaging.reporting.tables import Lines

MISSING = "Left out:"
TEMPLATE = Path(__file__).with_name("page.html")
# Pixels of an image in the viewer. Larger ones are cut, not shrunk, and nothing is lost: noise stays noise.
MAX_SIDE = 256


@dataclass(frozen=True)
class Figure:
    """A figure, and what is written above it; the PNG has its SVG beside it."""

    title: str
    path: Path


def write_page(
    path: Path,
    title: str,
    facts: dict[str, str],
    tables: list[tuple[str, Lines]],
    matrices: dict[str, Lines],
    compared: str,
    sentences: list[str],
    missing: list[str],
    figures: list[Figure],
    images: dict[str, tuple],
    commands: list[str],
    rows: dict[str, list[str]],
) -> None:
    """Write `report.html`.

    Args:
        facts: what was run, on what, how.
        tables: captions with header and lines, of `imaging.reporting.tables.pivot`; the first is shown, the
            others on demand.
        matrices: smaller tables, by their titles.
        compared: what the comparisons are.
        sentences: what they say.
        missing: a line for each run that is left out or not completed.
        figures: in their order.
        images: for the viewer, by name: the clean one (C, H, W), and by label the others.
        commands: how to make all of it again.
        rows: and how each row of the table, by its label.
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        facts="".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items()),
        caption=html.escape(tables[0][0]),
        table=_cells(tables[0][1], sortable=True),
        more="".join(_more(title, _table(lines)) for title, lines in tables[1:]),
        matrices="".join(
            f"<h3>{html.escape(title)}</h3>{_table(lines)}" for title, lines in matrices.items()
        ),
        missing=f"<p>{MISSING}</p>{_list(missing)}" if missing else "",
        sentences=f"<p>{html.escape(compared)}</p>{_list(sentences)}" if sentences else "",
        figures="".join(map(_figure, figures)),
        # '<' would let a name end the script.
        images=json.dumps(viewer(images)).replace("<", "\\u003c"),
        viewer="" if images else "hidden",
        commands=_lines(commands),
        rows="".join(_commands(label, made) for label, made in rows.items() if made),
    )
    write_text(path, text)


def _cells(lines: Lines, sortable: bool = False) -> str:
    header, rows = lines
    wrap = "<button>{}</button>" if sortable else "{}"
    head = "".join(f'<th scope="col">{wrap.format(html.escape(cell))}</th>' for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in row)}</tr>" for row in rows)
    return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"


def _table(lines: Lines) -> str:
    return f'<div class="wide"><table>{_cells(lines)}</table></div>'


def _more(title: str, content: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def viewer(images: dict[str, tuple]) -> list[dict]:
    """For each image its views, as the page's script takes them: clean, then the others with their PSNR."""
    views = []
    for name, (clean, others) in images.items():
        one = [{"label": "clean", "note": "", "source": encode(clean)}]
        for label, image in others.items():
            one.append({"label": label, "note": f", {psnr_note(image, clean)}", "source": encode(image)})
        views.append({"name": name, "views": one})
    return views


def encode(image: np.ndarray) -> str:
    """(C, H, W) in [0, 1], clipped for the eye, its middle if it is large, as a lossless WebP in a URL."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - MAX_SIDE) // 2), max(0, (width - MAX_SIDE) // 2)
    image = image[:, top : top + MAX_SIDE, left : left + MAX_SIDE]
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0).squeeze()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True)
    return _source(buffer.getvalue(), "webp")


def _figure(figure: Figure) -> str:
    """A drawing as the SVG that it is; one with photographs in it as a WebP, a tenth of its size."""
    drawing = figure.path.with_suffix(".svg").read_bytes()
    if b"<image" not in drawing:
        source = _source(drawing, "svg+xml")
    else:
        buffer = io.BytesIO()
        with Image.open(figure.path) as pixels:
            pixels.convert("RGB").save(buffer, "WEBP", quality=85)
        source = _source(buffer.getvalue(), "webp")
    title = html.escape(figure.title)
    return f'<figure><figcaption>{title}</figcaption><img src="{source}" alt="{title}"></figure>'


def _lines(commands: list[str]) -> str:
    return f"<pre>{html.escape(chr(10).join(commands))}</pre>"


def _commands(label: str, commands: list[str]) -> str:
    return _more(label, _lines(commands))


def _source(image: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""
