"""x: the clean images, where they come from and how they reach the training loop.

A source describes two splits of images and is registered in `SOURCES`:

    source.name                  str, e.g. "bsds300"
    source.prepare()             downloads what is missing; nothing to do for most
    source.ids(split)            list[str], one id an image; split is "train" or "test"
    source.read(split, index)    Tensor (C, H, W): uint8 for 8-bit files, float32 in [0, 1] for 16-bit ones
    source.read_all(split)       optional, for many small images: uint8 Tensor (n, C, H, W)
    source.decoded_bytes(split)  optional, with the next, for sets that may not fit into memory
    source.identity(split)       plain data that changes when the images do

`ImageData` makes training, validation and test sets of any source.
"""

from collections.abc import Mapping

from imaging.errors import ImagingError
from imaging.registry import Registry

SOURCES = Registry("data.source", "imaging.data.sources")
DATA = Registry("data", "imaging.data")

__all__ = ["DATA", "SOURCES", "ImageData", "build_data"]


def build_data(config: Mapping):
    """The `ImageData` that a config describes.

    Args:
        config: `source`, a mapping with the source's `name` and its settings; the rest are settings of
            `ImageData`, e.g. `{"source": {"name": "bundled"}, "patch_size": 32}`.

    Raises:
        ImagingError: no source, unknown or missing settings, values of the wrong type.
    """
    settings = dict(config)
    source = settings.pop("source", None)
    if not isinstance(source, Mapping):
        raise ImagingError(f"data.source is {source!r}; expected a mapping, e.g. {{name: bundled}}")
    return DATA.build({"name": "images", **settings}, source=SOURCES.build(source))


def __getattr__(name: str):
    # Late: the data module pulls in Lightning, which takes seconds and which a source does not need.
    if name == "ImageData":
        from imaging.data.module import ImageData

        return ImageData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
