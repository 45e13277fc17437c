"""The page of a sweep: one HTML file with everything in it, for any browser, without a network."""

import base64
import html
import io
import json
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from imaging.files import write_text

COMPARED = "Paired by image, mean difference with its 95 % bootstrap interval:"
TEMPLATE = Path(__file__).with_name("page.html")
# Pixels of an image in the viewer. Larger ones are cut, not shrunk, and nothing is lost: noise stays noise.
MAX_SIDE = 256


def write_page(
    path: Path,
    title: str,
    subtitle: str,
    caption: str,
    table: tuple[list[str], list[list[str]]],
    sentences: list[str],
    missing: list[str],
    curve: Path,
    examples: dict[str, dict],
    commands: list[str],
) -> None:
    """Write `report.html`.

    Args:
        table: header and lines, of `imaging.reporting.tables.pivot`.
        sentences: what the comparisons say.
        missing: a line for each run without results.
        curve: the PNG of PSNR against sigma.
        examples: by the label of a model, what `read_examples` gives.
        commands: how to make it again.
    """
    header, lines = table
    head = "".join(f'<th scope="col"><button>{html.escape(cell)}</button></th>' for cell in header)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in line)}</tr>" for line in lines)
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        caption=html.escape(caption),
        table=f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>",
        missing=_list(missing),
        sentences=f"<p>{html.escape(COMPARED)}</p>{_list(sentences)}" if sentences else "",
        curve=_source(curve.read_bytes()),
        # '<' would let a name end the script.
        images=json.dumps(viewer(examples)).replace("<", "\\u003c"),
        commands=html.escape("\n".join(commands)),
    )
    write_text(path, text)


def viewer(examples: dict[str, dict]) -> list[dict]:
    """For each image its views: clean, measured, then each model's, with their PSNR in dB."""
    images = []
    first = next(iter(examples.values()), {"names": []})
    for index, name in enumerate(first["names"]):
        clean = first["clean"][index]
        sources = {"clean": clean, f"measured, sigma {first['sigma']:g}": first["measured"][index]}
        for label, one in examples.items():
            if name in one["names"]:
                sources[label] = one["restored"][one["names"].index(name)]
        views = [
            {"label": label, "note": "" if x is clean else _psnr(x, clean), "source": encode(x)}
            for label, x in sources.items()
        ]
        images.append({"name": str(name), "views": views})
    return images


def encode(image: np.ndarray) -> str:
    """(C, H, W) in [0, 1], clipped for the eye, its middle if it is large, as a lossless WebP in a URL."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - MAX_SIDE) // 2), max(0, (width - MAX_SIDE) // 2)
    image = image[:, top : top + MAX_SIDE, left : left + MAX_SIDE]
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0).squeeze()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True)
    return _source(buffer.getvalue(), "webp")


def _source(image: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _psnr(x_hat: np.ndarray, x: np.ndarray) -> str:
    error = float(np.mean((x_hat.astype(np.float64) - x) ** 2))
    return ", identical" if error == 0 else f", {-10 * np.log10(error):.2f} dB"


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""
