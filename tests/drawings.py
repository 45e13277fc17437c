"""What a figure says, read from its SVG."""

from pathlib import Path
from xml.etree import ElementTree

TEXT = "{http://www.w3.org/2000/svg}text"


def words(path: Path) -> list[str]:
    """The pieces of text of the SVG beside a PNG."""
    root = ElementTree.parse(path.with_suffix(".svg")).getroot()
    return ["".join(element.itertext()).strip() for element in root.iter(TEXT)]
