"""The files of a figure, its width, its style and its data."""

import csv

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from imaging.errors import ImagingError
from imaging.evaluation.table import Table
from imaging.reporting.convergence import convergence_figure
from imaging.reporting.figures import COLOURS, STYLE, fitting, inches, read_width
from imaging.reporting.pictures import inpainting_figure, reconstruction_grid, strips
from imaging.reporting.plots import matrix_figure, psnr_against_noise, training_curves
from imaging.reporting.tables import matrices
from tests.drawings import words
from tests.reporting.test_convergence import examples as solved
from tests.reporting.test_pictures import examples
from tests.reporting.test_plots import noisy
from tests.results import result

TABLE = Table([noisy(0.01, 0.1, bias=b, trained=t) for t in (0.05, 0.2) for b in (True, False)])
CURVES = {"train/loss": ([50, 100], [0.1, 0.01]), "val/psnr": ([100], [30.0])}
PICTURE = np.random.default_rng(0).random((3, 100, 150), dtype=np.float32)
VERSIONS = {f"version {i}": PICTURE + 0.1 for i in range(5)}
FIGURES = {
    "psnr": lambda path, **more: psnr_against_noise(TABLE, path, **more),
    "matrix": lambda path, **more: matrix_figure(matrices(TABLE), path, **more),
    "curves": lambda path, **more: training_curves(TABLE, dict.fromkeys(RUNS, CURVES), path, **more),
    "strips": lambda path, **more: strips({"a": (PICTURE, VERSIONS)}, path, **more),
    "inpainting": lambda path, **more: inpainting_figure(examples(1, 1, 28), [1, 2], [1, 0.1], path, **more),
    "reconstructions": lambda path, **more: reconstruction_grid(examples(10, 1, 28), path, **more),
    "convergence": lambda path, **more: convergence_figure({"hqs": solved()}, path, **more),
}  # fmt: skip
RUNS = [one.run for one in TABLE.results]


def rows(path) -> list[dict]:
    with open(path.with_suffix(".csv"), newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", [89, 183])
def test_a_stated_width_is_exact_in_every_format(tmp_path, name, width):
    path = tmp_path / "a.png"
    FIGURES[name](path, width=width / 25.4)
    with Image.open(path) as image:
        assert image.width == pytest.approx(width / 25.4 * 300, abs=1.5)
        assert image.height < 3 * image.width
    assert f'width="{width / 25.4 * 72:.2f}'[:-1] in path.with_suffix(".svg").read_text()
    box = path.with_suffix(".pdf").read_bytes().split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert float(box[2]) == pytest.approx(width / 25.4 * 72, abs=0.1)
    assert rows(path)


@pytest.mark.parametrize("name", FIGURES)
def test_words_can_be_edited_and_the_files_are_the_same_each_time(tmp_path, name):
    for one in ("a", "b"):
        FIGURES[name](tmp_path / f"{one}.png")
    assert len(words(tmp_path / "a.png")) > 3
    assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()  # glyphs as drawings
    assert b"/FontFile2" in (tmp_path / "a.pdf").read_bytes()
    for suffix in ("png", "svg", "pdf", "csv"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_the_style_is_left_as_it_was(tmp_path):
    before = dict(matplotlib.rcParams)
    FIGURES["psnr"](tmp_path / "a.png", width=3.5)
    assert dict(matplotlib.rcParams) == before
    assert not plt.get_fignums()


def test_the_colours_are_those_of_the_style_and_differ_for_the_colour_blind():
    with plt.rc_context(fname=STYLE):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert tuple(map(matplotlib.colors.to_hex, cycle)) == tuple(map(str.lower, COLOURS))
    rgb = np.array([matplotlib.colors.to_rgb(colour) for colour in COLOURS[:7]])
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    # Deuteranopia and protanopia: Machado, Oliveira and Fernandes, IEEE TVCG 2009, table 1, severity 1.
    seen_as = {
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
        ],
        "protanopia": [
            [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
        ],
    }  # fmt: skip
    for matrix in seen_as.values():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1)
        lab = rgb2lab(np.where(seen > 0.0031308, 1.055 * seen ** (1 / 2.4) - 0.055, 12.92 * seen))
        apart = deltaE_ciede2000(lab[:, None], lab[None])[~np.eye(len(lab), dtype=bool)]
        assert apart.min() > 8  # 2.3 can just be told apart


def test_the_data_of_a_line_are_its_mean_and_range(tmp_path):
    seeds = [result(f"s{seed}", [[30.0 + seed], [20.0]], {"seed": seed}, sigma=[0.1, 0.2]) for seed in (0, 1)]
    psnr_against_noise(Table(seeds), tmp_path / "a.png")
    first = rows(tmp_path / "a.png")[0]
    assert {k: first[k] for k in ("test sigma", "PSNR (dB)", "lowest", "highest", "seeds")} == {
        "test sigma": "0.1", "PSNR (dB)": "30.5", "lowest": "30", "highest": "31", "seeds": "2",
    }  # fmt: skip
    FIGURES["curves"](tmp_path / "b.png")
    losses = [float(row["value"]) for row in rows(tmp_path / "b.png") if row["quantity"] == "training loss"]
    assert losses == [0.1, 0.01] * len(RUNS)
    FIGURES["matrix"](tmp_path / "c.png")
    cells = rows(tmp_path / "c.png")
    assert len(cells) == 2 * 2 * 2
    assert {float(cell["PSNR (dB)"]) for cell in cells} == {29.9, 29.0}


def test_the_data_of_pictures_are_their_psnr(tmp_path):
    others = {"same": PICTURE.copy(), "brighter": PICTURE + 0.1}
    strips({"a": (PICTURE, others), "b": (None, {"only": PICTURE})}, tmp_path / "a.png")
    assert [list(row.values()) for row in rows(tmp_path / "a.png")] == [
        ["a", "same", "inf"], ["a", "brighter", "20.00"], ["b", "only", ""],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        ("89mm", 89 / 25.4),
        ("8.9cm", 89 / 25.4),
        ("3.5in", 3.5),
        ("252pt", 3.5),
        ("3.5 in", 3.5),
        (None, None),
    ],
)
def test_a_width_has_a_unit(width, expected):
    assert read_width({"figures": {"width": width}}) == pytest.approx(expected)


@pytest.mark.parametrize(
    "width", ["89", "-89mm", "mm", "1e2mm", "79mm", "401mm", 89, True, ["89mm"], "89mm\n", "nanmm"]
)
def test_a_wrong_width_is_refused(width):
    with pytest.raises(ImagingError, match=r"figures\.width is .*; expected a width from 80mm to 400mm"):
        read_width({"figures": {"width": width}})
    assert read_width({}) is read_width({"figures": None}) is None


def test_panels_that_do_not_fit_go_into_further_rows():
    assert [fitting(4, width, 1.5) for width in (None, 1.0, 3.1, 7.0, 99)] == [4, 1, 2, 4, 4]
    assert inches("10km") is None
