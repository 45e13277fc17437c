"""Names of a sweep's jobs."""

import pytest
from omegaconf import OmegaConf

from imaging.runs.names import job_name, resolve_directories, swept_keys


def test_what_is_swept():
    params = OmegaConf.create({"experiment": "denoising", "model.bias": "true,false", "seed": "0,1"})
    assert swept_keys(params, ["model.depth=range(3,5)", "trainer.max_steps=2"]) == [
        "model.bias",
        "seed",
        "model.depth",
    ]
    # A value on the command line replaces the swept one of the file.
    assert swept_keys(params, ["seed=4", "optimizer.lr=tag(log,interval(1e-4,1e-2))"]) == [
        "model.bias",
        "optimizer.lr",
    ]
    assert swept_keys(None, ["a=[1,2]", "b={c:1}"]) == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["model.bias=False", "seed=1", "trainer.max_steps=2"], "bias-False-seed-1"),
        (["+model.bias=a b/c"], "bias-a_b_c"),
        (["seed=0.00123456789012"], "seed-0.001235"),
        (["seed=[0.005,0.25]", "model.bias=true"], "seed-0.005_0.25-bias-true"),
        (["other=1"], ""),
    ],
)
def test_a_job_is_called_by_what_it_varies(overrides, expected):
    assert job_name("model.bias,seed", overrides) == expected


def test_settings_of_one_name_are_told_apart():
    keys = "physics.noise.sigma,psf.sigma,data.seed,seed"
    overrides = ["physics.noise.sigma=0.1", "psf.sigma=2", "data.seed=1", "seed=0"]
    assert job_name(keys, overrides) == "noise.sigma-0.1-psf.sigma-2-data.seed-1-seed-0"
    assert job_name("noise,seed", ["noise@physics.noise=poisson", "seed=1"]) == "noise-poisson-seed-1"


def test_a_jobs_own_composition_meets_the_directories_of_the_beginning():
    config = OmegaConf.create(
        {
            "hydra": {
                "sweep": {"dir": "multirun/it's now", "subdir": '${hydra.job.num}-${varied:"${swept}",x}'},
                "sweeper": {"params": {"seed": "0,1"}},
                "overrides": {"task": ["model.depth=3,4"], "hydra": []},
            }
        }
    )
    resolve_directories(config)
    assert OmegaConf.to_container(config)["hydra"]["overrides"]["hydra"] == [
        "hydra.sweep.dir='multirun/it\\'s now'",
        "hydra.sweep.subdir='${hydra.job.num}-${varied:\"seed,model.depth\",x}'",
    ]
