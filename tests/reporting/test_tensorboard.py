"""A sweep in a real TensorBoard server: every run under its name, with what it varied and its numbers."""

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest
from browser import screenshot

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def tensorboard(directory, log):
    """A server of its own on a free port of 127.0.0.1; yields its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory), "--port", "0"]
    with log.open("w") as output:
        server = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        server.terminate()
        server.wait()


def ask(address: str, path: str, body: dict | None = None):
    """The answer of the server, once it has read all event files of three runs."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}{path}", data, headers), timeout=30) as got:
        return json.load(got)


def test_a_sweep_is_read_by_a_real_server(command, tiny, tmp_path):
    arguments = ["-m", *tiny, "trainer.max_steps=6", "trainer.val_check_interval=3"]
    assert command("train.py", *arguments, "model.bias=true,false", "model.depth=3,4")[0] == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    names = sorted(run.name for run in sweep.iterdir() if run.is_dir())
    assert len(names) == 4
    with tensorboard(sweep, tmp_path / "tensorboard.log") as address:
        deadline = time.monotonic() + 60
        wanted = [f"{name}/tensorboard" for name in names]
        while sorted(ask(address, "data/runs")) != wanted:
            assert time.monotonic() < deadline, ask(address, "data/runs")
            time.sleep(0.5)

        experiment = ask(address, "data/plugin/hparams/experiment", {"experimentName": ""})
        assert {h["name"] for h in experiment["hparamInfos"]} == {"model", "seed", "bias", "depth"}
        metrics = [m["name"] for m in experiment["metricInfos"]]
        tested = {f"test/psnr/{sigma}" for sigma in (0.01, 0.05, 0.1, 0.2)}
        assert {m["tag"] for m in metrics} == {"val/psnr", *tested}
        request = {
            "experimentName": "",
            "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
            "colParams": [{"metric": m} for m in metrics],
            "startIndex": 0,
            "sliceSize": 100,
        }
        groups = ask(address, "data/plugin/hparams/session_groups", request)["sessionGroups"]
        assert {(g["hparams"]["bias"], g["hparams"]["depth"]) for g in groups} == {
            (bias, depth) for bias in (True, False) for depth in (3, 4)
        }
        for group in groups:
            told = {m["name"]["tag"]: m["value"] for m in group["metricValues"]}
            run = sweep / group["name"].removesuffix("/tensorboard")
            numbers = json.loads((run / "metrics.json").read_text())
            assert told == {tag: pytest.approx(numbers[tag], abs=1e-4) for tag in told}
            assert len(told) == len(metrics)

        tag = "val/strip: clean | measured | restored"
        images = ask(address, "data/plugin/images/tags")
        assert set(images) == set(wanted)
        for run in wanted:
            query = urllib.parse.urlencode({"run": run, "tag": tag, "sample": 0})
            strips = ask(address, f"data/plugin/images/images?{query}")
            assert [strip["step"] for strip in strips] == [3, 6], "the same steps in every run"

        patient = "--virtual-time-budget=20000"
        picture, _ = screenshot(f"{address}#hparams", "tensorboard-hparams", (1600, 1000), patient)
        assert picture.stat().st_size > 20_000
        screenshot(f"{address}#timeseries", "tensorboard-curves", (1600, 1200), patient)
