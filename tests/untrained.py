"""Configs of tasks that are built but not trained."""

NOISE = {"operator": {"name": "identity"}, "noise": {"sigma": 0.1}}
BLUR = {"operator": {"name": "blur", "psf": {"name": "digit"}}, "noise": {"sigma": 0.01}}
TASKS = {"identity": "denoiser", "blur": "deconvolver", "mask": "inpainter"}


def untrained(model: dict, physics: dict = NOISE, **others) -> dict:
    """What `build_task` needs, for a network and its physics; `others` are added or replace something."""
    return {
        "task": {"name": TASKS.get(physics["operator"]["name"], "reconstruction")},
        "loss": {"name": "mse"},
        "model": model,
        "physics": physics,
        "optimizer": {"name": "adam"},
        "schedule": {"name": "constant"},
        "seed": 0,
    } | others
