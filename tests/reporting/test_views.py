"""The figure of networks as linear maps."""

import numpy as np
import pytest

from imaging.reporting.views import linear_views
from tests.drawings import words
from tests.reporting.test_pictures import drawn


def a_view() -> dict:
    random = np.random.default_rng(0)
    return {
        "sigmas": np.array([0.1, 0.2]),
        "center": np.array([20, 20]),
        "measured": random.random((2, 3, 41, 41)),
        "restored": random.random((2, 3, 41, 41)),
        "filters": random.standard_normal((2, 41, 41)),
        "singular_values": np.sort(random.random((2, 30)))[:, ::-1],
    }


def test_linear_views_have_a_row_for_each_network(tmp_path):
    view = a_view()
    none = view | {"singular_values": np.empty((2, 0)), "filters": np.zeros((2, 41, 41))}
    linear_views({"one": view}, tmp_path / "one.png")
    linear_views({"one": view, "other": none}, tmp_path / "two.png")
    one, two = (drawn(tmp_path / name)[0] for name in ("one.png", "two.png"))
    assert one[0] == pytest.approx(two[0], rel=0.1)
    assert two[1] > 1.7 * one[1]
    assert words(tmp_path / "two.svg").count("restored") == 4


def test_a_network_of_fewer_noise_levels_leaves_its_last_places_blank(tmp_path):
    view = a_view()
    fewer = {key: value[:1] if key != "center" else value for key, value in view.items()}
    linear_views({"a": view, "b": fewer}, tmp_path / "a.png")
    assert words(tmp_path / "a.svg").count("restored") == 3
    text = (tmp_path / "a.svg").read_text()
    # Three pictures for each level, and one plot for each network, have a horizontal and a vertical axis.
    assert text.count('id="matplotlib.axis_') == 2 * (3 * 3 + 2)


def test_a_long_name_is_as_high_as_its_row(tmp_path):
    linear_views({"dncnn, training sigma 0.005 to 0.25, bias no": a_view()}, tmp_path / "one.png")
    assert {"dncnn, training sigma", "0.005 to 0.25, bias no"} <= set(words(tmp_path / "one.svg"))


@pytest.mark.filterwarnings("error")
def test_a_label_that_could_be_a_formula_is_drawn_as_it_is(tmp_path):
    linear_views({"$x$": a_view()}, tmp_path / "a.png")
    assert "$x$" in words(tmp_path / "a.svg")


def test_a_narrow_figure_has_a_row_for_each_noise(tmp_path):
    linear_views({"a": a_view()}, tmp_path / "wide.png", width=12)
    linear_views({"a": a_view()}, tmp_path / "narrow.png", width=3.5)
    (wide, low), (narrow, high) = (drawn(tmp_path / f"{name}.png")[0] for name in ("wide", "narrow"))
    assert wide > 4 * low
    assert narrow < 1.8 * high
    wide_words, narrow_words = (
        sorted(word for word in words(tmp_path / f"{name}.svg") if not word.replace(".", "").isdecimal())
        for name in ("wide", "narrow")
    )
    assert wide_words == narrow_words


def test_the_numbers_beside_it_are_the_weights_by_their_distance_and_the_singular_values(tmp_path):
    view = a_view()
    linear_views({"a": view}, tmp_path / "a.png")
    lines = [line.split(",") for line in (tmp_path / "a.csv").read_text().splitlines()[1:]]
    assert len(lines) == 2 * (41 * 41 + 30)
    values = {tuple(line[:5]): float(line[5]) for line in lines}
    assert values["a", "0.2", "weight", "-1", "2"] == pytest.approx(view["filters"][1, 19, 22], rel=1e-6)
    assert values["a", "0.1", "singular value", "3", ""] == pytest.approx(
        view["singular_values"][0, 2], rel=1e-6
    )
