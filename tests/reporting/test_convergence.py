"""The table and the figure of a solver's iterations."""

import numpy as np
from PIL import Image

from imaging.reporting.convergence import convergence_figure


def examples(iterations=4, **more):
    trace = {"primal": np.geomspace(0.1, 0.001, iterations), "dual": np.geomspace(0.2, 0.01, iterations)}
    return {"names": ["a", "b"], "sigma": 0.01, "traces": [trace, trace | more]}


def test_the_table_has_a_line_for_each_iteration_of_each_image(tmp_path):
    other = examples() | {"traces": [{"primal": np.ones(2)}] * 2}
    convergence_figure({"hqs": examples(), "own": other}, tmp_path / "c.png")
    lines = (tmp_path / "c.csv").read_text().splitlines()
    assert lines[0] == "method,image,level,iteration,primal,dual"
    assert lines[1] == "hqs,a,0.01,1,0.1,0.2"
    assert lines[8] == "hqs,b,0.01,4,0.001,0.01"
    assert lines[-1] == "own,b,0.01,2,1,"
    assert len(lines) == 1 + 2 * 4 + 2 * 2


def test_the_figure_has_a_panel_for_each_quantity(tmp_path):
    def width(*methods):
        convergence_figure(dict(methods), tmp_path / "c.png")
        assert (tmp_path / "c.svg").is_file()
        return Image.open(tmp_path / "c.png").width

    width(("own", examples() | {"traces": [{"residual": np.ones(3)}] * 2}))  # of a network of one's own
    trace = examples()["traces"][0] | {"objective": np.geomspace(3, 1, 4)}
    explicit = examples() | {"traces": [trace, trace]}
    assert width(("hqs", examples(9)), ("admm", explicit)) > 1.3 * width(("hqs", examples()))
