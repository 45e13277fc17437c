"""The table that people read."""

from imaging.reporting.tables import markdown_table, pivot, text_table


def row(run, sigma, psnr, **varied):
    return {
        "run": run,
        "method": "dncnn",
        **varied,
        "sigma": sigma,
        "n_images": 3,
        "psnr_mean": psnr,
        "psnr_std": 1.0,
        "psnr_input_mean": 20 - sigma,
        "ssim_mean": 0.9,
    }


ROWS = [
    row("a", 0.2, 25.0, bias=True),
    row("a", 0.1, 30.126, bias=True),
    row("b", 0.1, 31.0, bias=False),
]


def test_one_line_a_run_and_one_column_a_sigma():
    header, lines = pivot(ROWS)
    assert header == ["method", "bias", "sigma 0.1", "sigma 0.2"]
    assert lines == [
        ["dncnn", "yes", "30.13", "25.00"],
        ["dncnn", "no", "31.00", "-"],
        ["measured y", "", "19.90", "19.80"],
    ]


def test_runs_that_differ_in_their_seed_share_a_line():
    values = [(True, 0, 30.0), (True, 1, 32.0), (False, 0, 33.0), (False, 1, 33.0)]
    rows = [row(f"{bias}-{seed}", 0.1, psnr, bias=bias, seed=seed) for bias, seed, psnr in values]
    header, lines = pivot(rows)
    assert header == ["method", "bias", "seeds", "sigma 0.1"]
    assert lines[:2] == [["dncnn", "yes", "2", "31.00 ± 1.41"], ["dncnn", "no", "2", "33.00 ± 0.00"]]


def test_columns_are_aligned():
    lines = text_table(*pivot(ROWS)).splitlines()
    assert lines[0].endswith("sigma 0.2")
    assert lines[1].endswith("    25.00")
    assert len({line.index("3") for line in lines[1:3]}) == 1


def test_markdown_has_as_many_cells_in_every_line():
    lines = markdown_table(*pivot(ROWS)).splitlines()
    assert len(lines) == 5
    assert {line.count("|") for line in lines} == {5}
