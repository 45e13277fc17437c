"""Every shipped config runs."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

CONF = Path(__file__).parents[1] / "conf"

SMALL_UNET = ["model.network.hidden_channels=4"]
# How each option of each group is asked for; the rest of the arguments makes it small.
BLIND_LOSSES = ("noise2noise", "sure", "recorrupted", "neighbor2neighbor", "noise2self")
RUNS = {
    "data/bundled": ["data=bundled", "data.patches_per_image=2", "data.max_test_images=1"],
    "data/folder": [],
    "data/folder_pairs": ["data=folder_pairs", "loss=noise2noise"],
    "debug/default": ["debug=default"],
    "experiment/deconvolution_best": ["experiment=deconvolution_best", "model.hidden_channels=4"],
    "experiment/deconvolution_any_best": [
        "experiment=deconvolution_any_best",
        "model.hidden_channels=4",
        "data.patch_size=48",
        "physics.operator.side=9",
    ],
    "experiment/deconvolution_priors": ["experiment=deconvolution_priors", "model.iterations=2"],
    "experiment/deconvolution_unet_best": ["experiment=deconvolution_unet_best", "model.hidden_channels=4"],
    "experiment/denoising_best": ["experiment=denoising_best"],
    "experiment/denoising_blind_best": ["experiment=denoising_blind_best"],
    "experiment/denoising_long_best": ["experiment=denoising_long_best"],
    "experiment/deconvolution": ["experiment=deconvolution", "model.network.hidden_channels=4"],
    "experiment/denoising": ["experiment=denoising"],
    "experiment/inpainting": [
        "experiment=inpainting",
        "data.patch_size=28",
        "data.test_patch_size=28",
        "data.source.channels=1",
    ],
    "experiment/inpainting_bundled": ["experiment=inpainting_bundled", "data.patch_size=28"],
    "launcher/basic": ["launcher=basic"],
    "launcher/queue": ["launcher=queue"],
    "launcher/gpus": ["launcher=gpus"],  # without effect on a single run; the sweeps are in tests/launchers
    "launcher/slurm": ["launcher=slurm"],
    "launcher/slurm_script": ["launcher=slurm_script"],
    "model/dncnn": ["model=dncnn"],
    "model/dncnn_deep": ["model=dncnn_deep", "model.depth=4", "model.hidden_channels=4"],
    "model/admm": ["experiment=deconvolution", "model=admm", "model.iterations=2"],
    "model/admm_tv": ["experiment=deconvolution", "model=admm_tv", "model.iterations=2"],
    "model/hqs": ["experiment=deconvolution", "model=hqs", "model.iterations=2"],
    "model/biharmonic": ["task=inpainter", "physics=mask", "physics.operator.rows=[2,9]", "model=biharmonic"],
    "model/identity": ["model=identity"],
    "model/non_local_means": ["model=non_local_means"],
    "model/richardson_lucy": ["experiment=deconvolution", "model=richardson_lucy"],
    "model/total_variation": ["model=total_variation"],
    "model/unsupervised_wiener": ["experiment=deconvolution", "model=unsupervised_wiener"],
    "model/wavelet": ["model=wavelet"],
    "model/wiener_prior": ["experiment=deconvolution", "model=wiener_prior"],
    "model/mlp": ["model=mlp", "model.image_shape=[3,16,16]", "data.test_patch_size=16"],
    "model/unet": ["model=unet", "model.hidden_channels=4"],
    "model/wiener": ["experiment=deconvolution", "model=wiener"],
    "model/wiener_pair": ["experiment=deconvolution", "model=wiener_pair", "model.hidden_channels=4"],
    "model/wiener_unet": ["experiment=deconvolution", "model=wiener_unet", "model.network.hidden_channels=4"],
    "callbacks/early_stopping": ["callbacks=early_stopping"],
    "callbacks/ledger": ["callbacks=ledger"],
    "logger/csv": ["logger=csv"],
    "loss/log_mse": ["loss=log_mse"],
    "loss/mse": ["loss=mse"],
    "loss/mse_over_variance": ["loss=mse_over_variance"],
    **{f"loss/{name}": [f"loss={name}"] for name in BLIND_LOSSES},
    "noise/gaussian": ["noise@physics.noise=gaussian"],
    "noise/gaussian_weak": ["noise@physics.noise=gaussian_weak"],
    "noise/none": ["noise@physics.noise=none"],
    "experiment/super_resolution": ["experiment=super_resolution", "data.patch_size=32", *SMALL_UNET],
    "experiment/demosaicing": ["experiment=demosaicing", "data.patch_size=32", *SMALL_UNET],
    "experiment/single_pixel": [
        "experiment=single_pixel",
        "data.patch_size=28",
        "data.source.channels=1",
        *SMALL_UNET,
    ],
    "model/malvar": ["experiment=demosaicing", "data.patch_size=32", "model=malvar"],
    "model/preview": ["experiment=super_resolution", "data.patch_size=32", "model=preview"],
    "model/preview_unet": ["experiment=super_resolution", "data.patch_size=32", *SMALL_UNET],
    "task/reconstruction": ["task=reconstruction"],
    "noise/poisson": ["noise@physics.noise=poisson"],
    "noise/poisson_gaussian": ["noise@physics.noise=poisson_gaussian"],
    "optimizer/adam": ["optimizer=adam"],
    "optimizer/muon": ["optimizer=muon"],
    "optimizer/sgd": ["optimizer=sgd"],
    "physics/blur": ["task=deconvolver", "physics=blur"],
    "physics/mask": ["task=inpainter", "physics=mask", "physics.operator.rows=[2,9]"],
    "physics/random_blur": [
        "task=deconvolver",
        "physics=random_blur",
        "physics.operator.circular=1",
        "physics.operator.side=7",
    ],
    "physics/noise": ["physics=noise"],
    "psf/box": ["task=deconvolver", "physics=blur", "psf=box"],
    "psf/digit": ["task=deconvolver", "physics=blur", "psf=digit"],
    "psf/disk": ["task=deconvolver", "physics=blur", "psf=disk", "psf.radius=2"],
    "psf/gaussian": ["task=deconvolver", "physics=blur", "psf=gaussian", "psf.sigma=0.7"],
    "psf/image": ["task=deconvolver", "physics=blur", "psf=image", "psf.path=psf.png"],
    "psf/motion": ["task=deconvolver", "physics=blur", "psf=motion", "psf.length=5"],
    "psf/trajectory": ["task=deconvolver", "physics=blur", "psf=trajectory"],
    "schedule/constant": ["schedule=constant"],
    "schedule/cosine": ["schedule=cosine", "schedule.warmup_steps=1"],
    "task/deconvolver": ["task=deconvolver"],
    "task/denoiser": ["task=denoiser"],
    "task/inpainter": ["task=inpainter", "physics=mask", "physics.operator.rows=[2,9]"],
    "trainer/default": ["trainer=default"],
}
# These need data sets, or are several runs or processes: see below, tests/launchers, tests/training.
ELSEWHERE = {
    "data/bsd68",
    "data/bsds300",
    "data/mnist",
    "logger/wandb",
    "physics/downsampling",  # in the experiments super_resolution, demosaicing and single_pixel
    "physics/mosaic",
    "physics/single_pixel",
    "sweep/bias_ablation",
    "sweep/deconvolution",
    "sweep/deconvolution_baselines",
    "sweep/deconvolution_priors",
    "sweep/demosaicing_baselines",
    "sweep/denoising_baselines",
    "sweep/inpainting_baselines",
    "sweep/noise_ablation",
    "sweep/search",
    "trainer/ddp",
}


def test_every_config_is_run_by_a_test():
    shipped = {str(p.relative_to(CONF).with_suffix("")) for p in CONF.rglob("*.yaml") if p.parent != CONF}
    assert shipped - {"data/common/settings"} == RUNS.keys() | ELSEWHERE


@pytest.mark.parametrize("name", RUNS)
def test_config(name, command, tiny, tmp_path, photographs):
    if name == "psf/image":
        Image.linear_gradient("L").resize((5, 5)).save(tmp_path / "psf.png")
    # Its own arguments come last but for the choice of the data, which a group of settings must follow.
    arguments = [*tiny, "name=tried", *RUNS[name]]
    if name == "data/bundled":
        arguments = [a for a in arguments if not a.startswith(("data=folder", "data.source"))]
    if name == "data/folder_pairs":
        second = tmp_path / "second"
        shutil.copytree(photographs, second)
        for path in second.rglob("*.png"):
            with Image.open(path) as image:
                image.point(lambda value: 0.9 * value).save(path)
        splits = ("train", "test")
        again = [f"data.source.{split}_again={second}/{split}" for split in splits]
        arguments = [a for a in arguments if a != "data=folder"] + again
    status, printed, complained = command("train.py", *arguments)
    assert (status, complained) == (0, "")
    (run,) = tmp_path.glob("outputs/*/*-tried")
    assert "PSNR in dB, mean over" in printed
    numbers = json.loads((run / "metrics.json").read_text())
    quality = "expected_psnr" if name == "data/folder_pairs" else "psnr"
    assert f"val/{quality}" in numbers
    assert any(key.startswith(f"test/{quality}/") for key in numbers)


@pytest.mark.data
@pytest.mark.parametrize(
    "arguments",
    [
        ["data=bsds300", "data.patches_per_image=1", "data.max_test_images=1"],
        ["experiment=inpainting", "data.max_test_images=20"],
    ],
    ids=["bsds300", "mnist"],
)
def test_config_of_a_data_set(arguments, command, data_root, monkeypatch):
    monkeypatch.setenv("IMAGING_DATA", str(data_root))
    status, printed, complained = command("train.py", *arguments, "trainer.max_steps=2")
    assert (status, complained) == (0, "")
    assert "PSNR in dB, mean over" in printed


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("sweep", "small", "methods"),
    [
        ("bias_ablation", ["model.depth=2"], ["dncnn"] * 4),
        slow("noise_ablation", ["model.depth=2"], ["dncnn"] * 8),
        slow(
            "denoising_baselines",
            [],
            ["identity", "total_variation", "wavelet", "non_local_means", "dncnn"],
        ),
        slow(
            "deconvolution_baselines",
            ["data.batch_size=2"],
            [
                "identity",
                "wiener",
                "wiener_prior",
                "unsupervised_wiener",
                "richardson_lucy",
                "wiener_front_end",
            ],
        ),
        slow(
            "deconvolution_priors",
            ["data.batch_size=2"],
            ["wiener", "admm", "admm", "hqs", "unet", "wiener_front_end"],
        ),
        slow("demosaicing_baselines", ["data.batch_size=2"], ["malvar", "preview_front_end"]),
        slow("deconvolution", ["data.batch_size=2"], ["wiener", "unet", "wiener_front_end"]),
        slow(
            "inpainting_baselines",
            ["data.patch_size=28", "data.source.channels=1"],
            ["identity", "biharmonic", "mlp"],
        ),
    ],
)
def test_sweep(sweep, small, methods, command, tiny, tmp_path):
    status, printed, _ = command("train.py", *tiny, f"sweep={sweep}", *small)
    assert status == 0
    (directory,) = tmp_path.glob(f"multirun/*/*-{sweep}")
    lines = (directory / "summary.md").read_text().split("\n\n")[1].splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [*methods, "measured y"]
    for name in ("summary.csv", "per_image.csv", "psnr_vs_sigma.png"):
        assert (directory / name).stat().st_size > 0
    assert "PSNR in dB, mean over" in printed
