"""Made-up results of runs, for tests of what is reckoned from them."""

from imaging.evaluation.outputs import Result
from imaging.evaluation.records import Record


def records(run, values, method="dncnn", sigma=0.1, noise_seed=0, before=20.0):
    """One record an image."""
    common = {"data": "d", "ssim": 0.9, "seconds": 0.1, "convention": "unclipped"}
    return [
        Record(
            run=run,
            image=str(i),
            sigma=sigma,
            noise_seed=noise_seed,
            method=method,
            psnr=value,
            psnr_input=before,
            **common,
        )
        for i, value in enumerate(values)
    ]


def config(**settings):
    """A config with these settings at its top, and what every report looks at."""
    least = {
        "model": {"name": "dncnn"},
        "task": {"name": "denoiser"},
        "loss": {"name": "mse"},
        "physics": {"operator": {"name": "identity"}, "noise": {"sigma": 0.1}},
    }
    return least | settings


def result(run, values, settings=None, method="dncnn", sigma=0.1, before=20.0):
    """A run's result at one sigma, or at several if `sigma` is a list and `values` has a row for each."""
    sigmas, rows = (sigma, values) if isinstance(sigma, list) else ([sigma], [values])
    found = [r for s, row in zip(sigmas, rows, strict=True) for r in records(run, row, method, s, 0, before)]
    return Result(run, config(**(settings or {})), found)
