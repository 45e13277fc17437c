"""A page with two images and two models, and the pixels in it."""

import numpy as np
import pytest
from PIL import Image

from imaging.reporting.page import write_page


def made_up(seed: int, names=("a", "<b>")) -> dict:
    """What `read_examples` would give of a run, with noise of 0.01 for the restored images."""
    draw = np.random.default_rng(seed)
    shape = (len(names), 3, 24, 32)
    clean = np.random.default_rng(0).random(shape, dtype=np.float32)
    return {
        "names": list(names),
        "sigma": 0.1,
        "clean": list(clean),
        "measured": list(clean + 0.1),
        "restored": list(clean + 0.01 * draw.standard_normal(shape).astype(np.float32)),
    }


@pytest.fixture
def examples():
    return made_up


@pytest.fixture
def page(tmp_path):
    """The path of a page whose every text could be taken for markup."""
    Image.new("RGB", (4, 4)).save(tmp_path / "curve.png")
    write_page(
        tmp_path / "report.html",
        title="a <sweep>",
        subtitle="Commit $1",
        caption="PSNR & more",
        table=(
            ["method", "sigma 0.1"],
            [["dncnn", "30.12 ± 0.10"], ["</td>", "9.00"], ["unet", "-"], ["wiener", "31.00"]],
        ),
        sentences=["Removing the bias: +1 dB"],
        missing=["3-x: no results, failed"],
        curve=tmp_path / "curve.png",
        examples={"dncnn": made_up(1), "unet </script>": made_up(2)},
        commands=["python train.py -m 'a=<b>'"],
    )
    return tmp_path / "report.html"
