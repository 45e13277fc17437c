"""The clean images x: sources, and the batches of the training loop.

`ImageData` makes training, validation and test sets from any `imaging.data.source.Source`.
"""

from collections.abc import Mapping

from imaging.registry import Registry

SOURCES = Registry("data.source", "imaging.data.sources")
DATA = Registry("data", "imaging.data")

__all__ = ["DATA", "SOURCES", "ImageData", "build_data"]


def build_data(config: Mapping):
    """Build the `ImageData` of a config.

    Args:
        config: `source`, a mapping with the source's `name` and settings, and the settings of `ImageData`,
            e.g. `{"source": {"name": "bundled"}, "patch_size": 32}`.

    Raises:
        ImagingError: no source, an unknown or missing setting, or a wrong value.
    """
    settings = dict(config)
    source = settings.pop("source", None)
    return DATA.build({"name": "images", **settings}, source=SOURCES.build(source))


def __getattr__(name: str):
    # Lazy: the data module imports Lightning, which takes seconds and which a source does not need.
    if name == "ImageData":
        from imaging.data.module import ImageData

        return ImageData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
