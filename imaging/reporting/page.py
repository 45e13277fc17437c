"""The report page: one self-contained HTML file for any browser, which loads nothing from a network."""

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
from imaging.reporting.pictures import labelled
from imaging.reporting.tables import Lines

MISSING = "Left out:"
TEMPLATE = Path(__file__).with_name("page.html")
MAX_SIDE = 256  # pixels in the viewer; larger images are cropped, since resizing would change their noise


@dataclass(frozen=True)
class Figure:
    """A figure with its title; `path` is the PNG, and the SVG is beside it."""

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
        path: the HTML file.
        title: the heading.
        facts: names and values for the head of the page.
        tables: captions and tables of `imaging.reporting.tables.pivot`; all but the first are folded.
        matrices: smaller tables by title.
        compared: explanation of the comparisons.
        sentences: one line per comparison.
        missing: a line for each run that is left out.
        figures: figures in their order.
        images: for the viewer by name: the clean image (C, H, W) or None, and a dict of others by label.
        commands: the commands that reproduce the sweep.
        rows: the commands that reproduce each row of the table, by its label.
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        facts="".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items()),
        caption=html.escape(tables[0][0]),
        table=_cells(tables[0][1], sortable=True),
        more="".join(_more(title, _table(lines)) for title, lines in tables[1:]),
        matrices="".join(f"<h3>{html.escape(name)}</h3>{_table(lines)}" for name, lines in matrices.items()),
        missing=f"<p>{MISSING}</p>{_list(missing)}" if missing else "",
        sentences=f"<p>{html.escape(compared)}</p>{_list(sentences)}" if sentences else "",
        figures="".join(map(_figure, figures)),
        # A name with '<' could end the script.
        images=json.dumps(viewer(images)).replace("<", "\\u003c"),
        viewer="" if images else "hidden",
        commands=_pre(commands),
        rows="".join(_more(label, _pre(some)) for label, some in rows.items() if some),
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
    """The images in the format of the page's script: clean first, then the others with their PSNR."""
    views = []
    for name, (clean, others) in images.items():
        one = []
        for label, image in labelled(clean, others):
            note = "" if clean is None or image is clean else f", {psnr_note(image, clean)}"
            one.append({"label": label, "note": note, "source": encode(image)})
        views.append({"name": name, "views": one})
    return views


def encode(image: np.ndarray) -> str:
    """A data URL with the centre of an image (C, H, W), clipped to [0, 1], as lossless WebP."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - MAX_SIDE) // 2), max(0, (width - MAX_SIDE) // 2)
    image = image[:, top : top + MAX_SIDE, left : left + MAX_SIDE]
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0).squeeze()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True)
    return _source(buffer.getvalue(), "webp")


def _figure(figure: Figure) -> str:
    """A figure as SVG, or as WebP if it contains images, which is ten times smaller."""
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


def _pre(commands: list[str]) -> str:
    return f"<pre>{html.escape(chr(10).join(commands))}</pre>"


def _source(image: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"
