"""TensorBoard's HParams, read back from the event files as TensorBoard does."""

import json
import math
import time

import pytest
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    EXPERIMENT_TAG,
    PLUGIN_NAME,
    SESSION_START_INFO_TAG,
    parse_experiment_plugin_data,
    parse_session_start_info_plugin_data,
)

from imaging.training.hparams import varied_settings

METRICS = {"val/psnr", "test/psnr/0.01", "test/psnr/0.05", "test/psnr/0.1", "test/psnr/0.2"}


def read(run) -> tuple[set, dict, dict]:
    """Names of the declared metrics, the hyper-parameters, and the last value of each metric."""
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    content = events.PluginTagToContent(PLUGIN_NAME)
    declared = parse_experiment_plugin_data(content[EXPERIMENT_TAG])
    started = parse_session_start_info_plugin_data(content[SESSION_START_INFO_TAG])
    kinds = {"number_value", "bool_value", "string_value"}
    parameters = {}
    for name, value in started.hparams.items():
        (kind,) = [k for k in kinds if value.HasField(k)]
        parameters[name] = getattr(value, kind)
    scalars = {tag: events.Scalars(tag)[-1].value for tag in events.Tags()["scalars"]}
    return {info.name.tag for info in declared.metric_infos}, parameters, scalars


@pytest.mark.slow
def test_every_run_of_a_sweep_declares_the_same_and_tells_its_own(command, tiny, tmp_path):
    status, _, _ = command("train.py", "-m", *tiny, "model.depth=3,4", "model.bias=true,false", "seed=2")
    assert status == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    told = [read(run.parent) for run in sorted(sweep.glob("*/metrics.json"))]
    assert [metrics for metrics, _, _ in told] == [METRICS] * 4
    assert [(p["depth"], p["bias"]) for _, p, _ in told] == [(3, True), (3, False), (4, True), (4, False)]
    assert all(set(p) == {"model", "seed", "depth", "bias"} for _, p, _ in told)
    for _, _, scalars in told:
        assert set(scalars) >= METRICS
        assert all(math.isfinite(scalars[name]) for name in METRICS)
        assert "hp_metric" not in scalars


def test_settings_of_one_name_have_columns_of_their_own(tmp_path):
    words = ["physics.noise.sigma=0.1,[0,0.2]", "psf.sigma=1,2", "data.seed=5,6", "model=dncnn,unet"]
    record = {"hydra": {"overrides": {"task": words}, "sweeper": {"params": None}}}
    OmegaConf.save(record, tmp_path / "multirun.yaml")
    settings = {
        "model": {"name": "dncnn"},
        "seed": 3,
        "data": {"seed": 5},
        "physics": {"noise": {"sigma": [0, 0.2]}},
        "psf": {"sigma": 2},
    }
    assert varied_settings(tmp_path / "0-run", settings) == {
        "model": "dncnn",
        "seed": 3,
        "noise.sigma": "[0, 0.2]",
        "psf.sigma": 2,
        "data.seed": 5,
    }


def test_a_group_that_is_no_setting_has_no_column(tmp_path):
    words = ["experiment=denoising,deconvolution", "trainer.time_limit=null,5"]
    OmegaConf.save(
        {"hydra": {"overrides": {"task": words}, "sweeper": {"params": None}}}, tmp_path / "multirun.yaml"
    )
    settings = {"model": {"name": "dncnn"}, "seed": 0, "trainer": {"time_limit": None}}
    expected = {"model": "dncnn", "seed": 0, "time_limit": "None"}
    assert varied_settings(tmp_path / "0-run", settings) == expected


def test_a_group_is_told_by_its_name_and_a_failed_run_is_there(command, tiny, tmp_path, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no test today")

    monkeypatch.setattr("imaging.commands.train.evaluate_run", fail)
    assert command("train.py", "-m", *tiny, "model=dncnn,unet")[0] == 1
    (sweep,) = tmp_path.glob("multirun/*/*")
    runs = sorted(path.parent for path in sweep.glob("*/status.json"))
    assert [read(run)[1]["model"] for run in runs] == ["dncnn", "unet"]
    assert all(read(run)[0] == METRICS for run in runs)


@pytest.mark.parametrize("resumed", [False, True])
def test_the_numbers_are_those_of_metrics_json(resumed, command, tiny, tmp_path):
    limit = ["trainer.time_limit=1e-9"] if resumed else []
    status, _, _ = command("train.py", *tiny, *limit)
    (run,) = tmp_path.glob("outputs/*/*")
    while status == 75:
        time.sleep(1)  # event files of one second and one process have names that are not in order
        status, _, _ = command("train.py", f"resume={run}")
    numbers = json.loads((run / "metrics.json").read_text())
    metrics, parameters, scalars = read(run)
    assert metrics == METRICS
    assert parameters == {"model": "dncnn", "seed": 0}
    for name in METRICS:
        assert scalars[name] == pytest.approx(numbers[name], abs=1e-4)
