"""What several rooms' tests need."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where the real data sets lie: IMAGING_DATA, else shared/data beside the checkout or data in it."""
    checkout = Path(__file__).parents[1]
    named = os.environ.get("IMAGING_DATA")
    places = [Path(named)] if named else [checkout.parent / "shared" / "data", checkout / "data"]
    for place in places:
        if (place / "BSDS300" / "images").is_dir() and (place / "MNIST" / "raw").is_dir():
            return place
    pytest.skip(f"no BSDS300 and MNIST in {' or '.join(map(str, places))}: set IMAGING_DATA")
