"""A page with two images and two models, and the pixels in it."""

import numpy as np
import pytest
from PIL import Image

from imaging.reporting.page import Figure, write_page
from imaging.reporting.pictures import group_examples


def made_up(seed: int, names=("a", "<b>")) -> dict:
    """The examples of a `Result`, with noise of 0.01 for the restored images."""
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
    (tmp_path / "curve.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    Image.new("RGB", (40, 40)).save(tmp_path / "strip.png")
    (tmp_path / "strip.svg").write_text("<svg><image/></svg>")
    write_page(
        tmp_path / "report.html",
        title="a <sweep>",
        facts={"Commit": "$1", "<Data>": "a" * 300},
        tables=[
            (
                "PSNR & more",
                (
                    ["method", "sigma 0.1"],
                    [["dncnn", "30.12 ± 0.10"], ["</td>", "9.00"], ["unet", "-"], ["wiener", "31.00"]],
                ),
            ),
            ("gain", (["method", "<b>"], [["dncnn", "10.12"]])),
        ],
        matrices={"<title>": (["training sigma", "test sigma 0.1"], [["0.1", "30.00 (best)"]])},
        compared="Paired",
        sentences=["Removing the bias: +1 dB"],
        missing=["3-x: no results, failed"],
        figures=[Figure("PSNR < noise", tmp_path / "curve.png"), Figure("Image a", tmp_path / "strip.png")],
        images=group_examples({"dncnn": made_up(1), "unet </script>": made_up(2)}),
        commands=["python train.py -m 'a=<b>'"],
        rows={"dncnn, bias <no>": ["python train.py model.bias=false seed=0"], "unknown": []},
    )
    return tmp_path / "report.html"
