"""Configs of a training."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from imaging.runs.names import register_resolvers

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def composed() -> Callable[..., dict]:
    """A function of overrides that composes the config of a run on the processor."""

    def composed(*overrides: str) -> dict:
        register_resolvers()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("train", ["trainer.accelerator=cpu", *overrides])
        return OmegaConf.to_container(config, resolve=True)

    return composed


@pytest.fixture
def composed_on_photographs(composed, photographs) -> Callable[..., dict]:
    """A function of overrides that composes the config of a run on the small photographs."""
    folder = [f"data.source.{split}={photographs / split}" for split in ("train", "test")]
    return lambda *overrides: composed("data=folder", *folder, *overrides)
