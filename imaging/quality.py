"""The names of the quality of restored images: PSNR or, without clean images, expected PSNR."""

from collections.abc import Mapping

EXPECTED = "expected"  # the convention of records without clean images; see `imaging.tasks.expected`
# With and without clean images: in the names of metrics and columns, and in text.
NAMES = ("psnr", "expected_psnr")
TEXTS = ("PSNR", "expected PSNR")
VALIDATION = tuple(f"val/{name}" for name in NAMES)


def validation_value(metrics: Mapping) -> float | None:
    """The PSNR, or expected PSNR, in dB of the last validation; None if there was none."""
    return next((metrics[name] for name in VALIDATION if metrics.get(name) is not None), None)
