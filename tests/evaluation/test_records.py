"""Records and the two CSV files."""

import csv
import io
import statistics

import pytest

from imaging.evaluation.records import Record, per_image_csv, read_per_image, summarise, summary_csv


def record(**changes) -> Record:
    values = {
        "run": "0-bias-true",
        "data": "bsds300",
        "image": "101085",
        "sigma": 0.1,
        "noise_seed": 0,
        "method": "dncnn",
        "psnr": 30.123456,
        "psnr_input": 20.0,
        "ssim": 0.9,
        "seconds": 0.0123,
        "convention": "unclipped",
    }
    return Record(**(values | changes))


def test_per_image_has_the_agreed_columns():
    header, line = per_image_csv([record()]).splitlines()
    assert header == "run,data,image,sigma,noise_seed,method,psnr,psnr_input,ssim,seconds,convention"
    assert line == "0-bias-true,bsds300,101085,0.1,0,dncnn,30.1235,20.0000,0.9000,0.012300,unclipped"


def test_per_image_comes_back(tmp_path):
    records = [record(psnr=30.5), record(image="a, b", sigma=0.05, psnr=float("inf"))]
    (tmp_path / "per_image.csv").write_text(per_image_csv(records))
    assert read_per_image(tmp_path / "per_image.csv") == records


def test_summary_is_the_mean_and_deviation_over_images():
    values = [30.0, 31.0, 33.5]
    records = [record(image=str(i), psnr=v, ssim=v / 40, psnr_input=20 + i) for i, v in enumerate(values)]
    (row,) = summarise(records)
    assert row["psnr_mean"] == pytest.approx(statistics.mean(values))
    assert row["psnr_std"] == pytest.approx(statistics.stdev(values))
    assert row["psnr_input_mean"] == pytest.approx(21)
    assert row["ssim_mean"] == pytest.approx(statistics.mean(values) / 40)
    assert row["n_images"] == 3


def test_a_single_image_has_no_deviation():
    assert summarise([record()])[0]["psnr_std"] == 0


def test_images_are_counted_once_however_often_their_noise_is_drawn():
    assert summarise([record(noise_seed=s) for s in range(3)])[0]["n_images"] == 1


def test_summary_has_every_varied_setting_as_its_own_column():
    records = [record(run="a"), record(run="b"), record(run="b", sigma=0.2)]
    rows = summarise(records, {"a": {"bias": True, "seed": 0}, "b": {"bias": False, "seed": 0}})
    table = list(csv.DictReader(io.StringIO(summary_csv(rows))))
    expected = "run,method,bias,seed,sigma,n_images,psnr_mean,psnr_std,psnr_input_mean,gain_mean,ssim_mean"
    assert ",".join(table[0]) == expected
    assert [(r["run"], r["bias"], r["sigma"]) for r in table] == [
        ("a", "True", "0.1"),
        ("b", "False", "0.1"),
        ("b", "False", "0.2"),
    ]
