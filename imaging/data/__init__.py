"""The clean images x: sources, and the batches of the training loop.

`ImageData` makes training, validation and test sets from any `imaging.data.source.Source`.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from imaging.places import CHECKOUT
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


class _Data(ModuleType):
    """The module itself, which can be called."""

    def __call__(self, name: str, **settings):
        """Open a data set by name.

        Args:
            name: bsds300, mnist, bsd68, bundled, folder, …, as in `data=…` on the command line.
            settings: of the source and of `ImageData`, e.g. `crop=[320, 480]`.

        Returns:
            the `ImageData`; `test_images()` has the pairs of id and image, uint8 or float (C, H, W).

        Raises:
            ImagingError: an unknown name or setting, a wrong value, or files that are missing.

        Examples:
            >>> import imaging
            >>> [name for name, image in imaging.data("bundled").test_images()]
            ['chelsea', 'coffee', 'rocket']
        """
        parameters = SOURCES.parameters(name)
        own = {key: settings.pop(key) for key in list(settings) if key in parameters}
        if "root" in parameters:
            own.setdefault("root", os.environ.get("IMAGING_DATA", str((CHECKOUT or Path()) / "data")))
        return build_data({"source": {"name": name, **own}, **settings})


sys.modules[__name__].__class__ = _Data


def __getattr__(name: str):
    # Lazy: the data module imports Lightning, which takes seconds and which a source does not need.
    if name == "ImageData":
        from imaging.data.module import ImageData

        return ImageData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
